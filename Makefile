# `make train` and `make test` need Python 3.10 to 3.14 and a C++ compiler;
# everything else goes into .venv.  Another Python: make train PYTHON=python3.10

SHELL := /bin/bash
PYTHON ?=
NUMPY ?=
VENV ?= .venv
GOLDEN ?= ../shared/golden
RUN := $(VENV)/bin/python
TRAIN := $(RUN) run.py demo
TEST := $(RUN) -m pytest -n 2 --dist loadfile
PARITY := $(RUN) run.py parity --graph both
# With JAX, only some of each kind by default; for all: make parity-jax JAX_ONLY=
JAX_ONLY ?= --only fc_small_gauss fc_small_gauss0_mixed fc_small_act_softplus conv_small_gauss conv_small_oddpool_gauss

# Newest first.
PYTHONS := python3.14 python3.13 python3.12 python3.11 python3.10 python3 python
LOOKED_AT := $(or $(PYTHON),$(PYTHONS))
HOW_TO_GET_ONE := get one with uv python install 3.14, conda create -n ladder python=3.14 or apt install python3-venv python3-dev, and name it if it is not on the PATH (make train PYTHON=/path/to/python3.14)

# The name records a Python or NumPy that was asked for: asking for another one
# rebuilds .venv, asking for none keeps the existing .venv.
ASKED := $(and $(PYTHON),-$(notdir $(PYTHON)))$(and $(NUMPY),-numpy$(NUMPY))
STAMP := $(if $(ASKED),$(VENV)/installed$(ASKED),$(firstword $(wildcard $(VENV)/installed*) $(VENV)/installed))

# The extras installed with NumPy 1 (with NumPy 2, all are); a different choice needs a VENV of its own.
EXTRAS ?= test,jax,docs

# Aesara's metadata require NumPy 1.  For NumPy 2, every package is listed and installed without its dependencies, so
# that pip has nothing to refuse; `pip check` prints two lines about it, which tests/test_installation.py expects.
# Python compiles modules when they are imported, a small part of all that pip would compile.
PIP := $(RUN) -m pip install --disable-pip-version-check --no-compile
WITH_NUMPY_1 := $(PIP) --constraint constraints.txt --editable .[$(EXTRAS)]
WITH_NUMPY_2 := $(PIP) --no-deps --requirement constraints-numpy2.txt --editable .

# pip prints a hundred lines; this keeps those about what takes the time.
PROGRESS := awk '/Downloading|Using cached|^Installing/ {print; fflush()}'

.PHONY: help venv train test test-all smoke docs format parity parity-jax clean

help:
	@echo 'make train    set up .venv and train a ladder network'
	@echo 'make test     set up .venv and run the tests'
	@echo 'make test-all   the same with every Python from 3.10 to 3.14 that is installed, each in a .venv-3.N of its own'
	@echo 'make venv     set up .venv alone'
	@echo 'make smoke    set up .venv and see in some minutes whether ladder works with its Python'
	@echo 'make docs     build the documentation site: docs/_build/index.html (needs Python 3.11 or newer)'
	@echo 'make format   format the code (CI checks that it is)'
	@echo 'make parity   compare with the numbers of the original (GOLDEN=$(GOLDEN))'
	@echo 'make parity-jax   the same of the JAX backend, for some of the numbers (JAX_ONLY=: for all)'
	@echo 'make clean    remove .venv and build files'
	@echo 'Options:      PYTHON=python3.10 (which Python .venv is made with; by default the newest on the PATH)'
	@echo '              NUMPY=2 (NumPy 2 also with Python 3.11 and 3.12; newer ones have no other)'

venv: $(STAMP)

train: $(STAMP)
	@$(TRAIN)

test: $(STAMP)
	@$(TEST)

test-all:
	@failed=; while read -r version python; do \
	    echo "=== Python $$version"; \
	    $(MAKE) --no-print-directory test PYTHON="$$python" VENV=.venv-$$version </dev/null || failed="$$failed $$version"; \
	done < <(.ci/pythons); \
	if [ -n "$$failed" ]; then echo "Failed with Python$$failed"; exit 1; fi

smoke: $(STAMP)
	@VENV=$(VENV) GOLDEN="$(GOLDEN)" .ci/smoke

# Warnings are errors: a link or name that leads nowhere, a page missing from every table of contents.
docs: $(STAMP)
	@$(RUN) -m sphinx --version >/dev/null 2>&1 || { echo 'make docs needs Python 3.11 or newer: make docs PYTHON=python3.12' >&2; exit 2; }
	@$(RUN) -m sphinx --quiet --jobs 2 --fail-on-warning --keep-going docs docs/_build
	@echo 'The site is in docs/_build/index.html'

format: $(STAMP)
	@$(RUN) -m ruff format

parity: $(STAMP)
	@$(PARITY) "$(GOLDEN)"

parity-jax: $(STAMP)
	@$(PARITY) --backend jax $(JAX_ONLY) -- "$(GOLDEN)"

$(STAMP): setup.py constraints.txt constraints-numpy2.txt
	@if [ -n "$(ASKED)" ] || ! $(RUN) -c '' 2>/dev/null; then \
	    for candidate in $(LOOKED_AT); do \
	        if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1; \
	        then python=$$candidate; break; fi; \
	    done; \
	    if [ -z "$$python" ]; then \
	        echo 'No Python 3.10 to 3.14 with venv at $(LOOKED_AT): $(HOW_TO_GET_ONE)' >&2; \
	        exit 2; \
	    fi; \
	    "$$python" -m ladder.backends.check || exit 2; \
	    echo "Making $(VENV) with $$("$$python" --version)"; \
	    "$$python" -m venv --clear $(VENV) || exit 2; \
	fi
	@echo 'Installing packages into $(VENV) (0.8 GB with JAX; the first time takes minutes)'
	@version=$$($(RUN) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	case "$(NUMPY) $$version" in \
	    ' '3.1[0-2] | '1 '3.1[0-2]) install='$(WITH_NUMPY_1)' ;; \
	    ' '3.1[34] | '2 '3.1[1-4]) install='$(WITH_NUMPY_2)' ;; \
	    *) echo "NUMPY=$(NUMPY) cannot be had with Python $$version: 1 is for Python 3.10 to 3.12, 2 for 3.11 to 3.14" >&2; exit 2 ;; \
	esac; \
	set -o pipefail; $$install | $(PROGRESS)
	@touch $@

clean:
	rm -rf .venv .venv-3.* .venv-smoke-* build *.egg-info .pytest_cache docs/_build docs/reference/commands docs/reference/package docs/reference/public.rst
	find ladder tests -name __pycache__ -type d -prune -exec rm -rf {} +
