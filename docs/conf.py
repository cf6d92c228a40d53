"""How Sphinx builds the documentation site: ``make docs``."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_extensions")]

import ladder  # noqa: E402

project = "ladder"
author = "the ladder authors"
copyright = "2026, the ladder authors; MIT licence"
version = release = ladder.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "command_reference", "package_reference"]
exclude_patterns = ["_extensions"]

# Markdown: anchors for headings, as GitHub makes them, so that a link works in both.
myst_heading_anchors = 4
# Docstrings are in numpydoc style.  Types in them are words ("tuple of int"), not names to look up.
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False
# Optional, and not needed for docstrings.
autodoc_mock_imports = ["jax"]
# Roles in docstrings must resolve.
nitpicky = True

# Only dashes: quotes stay as they are typed.
smartquotes_action = "D"

html_theme = "furo"
html_title = "ladder"
html_static_path = ["_static"]
html_css_files = ["ladder.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "default"
pygments_dark_style = "github-dark"
# Blocks without a language are commands; some words in them may not be shell.
highlight_language = "sh"
suppress_warnings = ["misc.highlighting_failure"]
