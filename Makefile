# `make train` and `make test` need Python 3.10 to 3.12 and a C++ compiler;
# everything else goes into .venv.  Another Python: make train PYTHON=python3.10

SHELL := /bin/bash
PYTHON ?=
GOLDEN ?= ../shared/golden
RUN := .venv/bin/python
TRAIN := $(RUN) run.py demo
TEST := $(RUN) -m pytest -n 2 --dist loadfile
PARITY := $(RUN) run.py parity --graph both
# In JAX by default some of each kind; all: make parity-jax JAX_ONLY=
JAX_ONLY ?= --only fc_small_gauss fc_small_gauss0_mixed fc_small_act_softplus conv_small_gauss conv_small_oddpool_gauss

# The name remembers a Python that was asked for: asking for another one
# builds .venv anew, asking for none takes the .venv that is there.
STAMP := $(if $(PYTHON),.venv/installed-$(notdir $(PYTHON)),$(firstword $(wildcard .venv/installed*) .venv/installed))

# pip's own output is a hundred lines; this leaves what takes the time.
PIP := $(RUN) -m pip install --disable-pip-version-check --constraint constraints.txt
PROGRESS := awk '/Downloading|Using cached|^Installing/ {print; fflush()}'

.PHONY: help train test format parity parity-jax clean

help:
	@echo 'make train    set up .venv and train a ladder network'
	@echo 'make test     set up .venv and run the tests'
	@echo 'make format   format the code (CI checks that it is)'
	@echo 'make parity   compare with the numbers of the original (GOLDEN=$(GOLDEN))'
	@echo 'make parity-jax   the same of the JAX backend, for some of the numbers (JAX_ONLY=: for all)'
	@echo 'make clean    remove .venv and build files'
	@echo 'Options:      PYTHON=python3.10 (which Python .venv is made with)'

train: $(STAMP)
	@$(TRAIN)

test: $(STAMP)
	@$(TEST)

format: $(STAMP)
	@$(RUN) -m ruff format

parity: $(STAMP)
	@$(PARITY) "$(GOLDEN)"

parity-jax: $(STAMP)
	@$(PARITY) --backend jax $(JAX_ONLY) -- "$(GOLDEN)"

$(STAMP): setup.py constraints.txt
	@if [ -n "$(PYTHON)" ] || ! $(RUN) -c '' 2>/dev/null; then \
	    for candidate in $(or $(PYTHON),python3.12 python3.11 python3.10 python3 python); do \
	        if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] not in ((3, 10), (3, 11), (3, 12)))' >/dev/null 2>&1; \
	        then python=$$candidate; break; fi; \
	    done; \
	    if [ -z "$$python" ]; then \
	        echo 'No Python 3.10 to 3.12 with venv at $(or $(PYTHON),python3.12 python3.11 python3.10 python3 python): install one (Debian and Ubuntu: apt install python3-venv python3-dev) or name it (make PYTHON=/path/to/python3.12)' >&2; \
	        exit 2; \
	    fi; \
	    "$$python" -m ladder.backends.check || exit 2; \
	    echo "Making .venv with $$("$$python" --version)"; \
	    "$$python" -m venv --clear .venv || exit 2; \
	fi
	@echo 'Installing packages into .venv (0.8 GB with JAX; the first time takes minutes)'
	@set -o pipefail; $(PIP) --editable '.[test,jax]' | $(PROGRESS)
	@touch $@

clean:
	rm -rf .venv build *.egg-info .pytest_cache
	find ladder tests -name __pycache__ -type d -prune -exec rm -rf {} +
