#!/usr/bin/env python
"""Front door: ``python run.py --help``."""

import sys

from ladder.backends import check

if __name__ == "__main__":
    if sys.platform == "win32":  # where the rest cannot even be imported
        sys.exit(check.main())
    from ladder.cli import main

    sys.exit(main())
