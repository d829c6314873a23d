# The one task runner. Everything runs in the environment of $(PYTHON): activate a virtual environment of
# Python 3.11 or later, or name its interpreter, as in `make test PYTHON=.venv/bin/python`.
PYTHON ?= python
# Two cores with two workers are a quarter faster than with one; each worker loads the oracles for itself.
WORKERS ?= 2

# Many tests start the program, and without bytecode each start compiles it.
unexport PYTHONDONTWRITEBYTECODE

# Through the interpreter: the scripts of an environment that is not activated are not on PATH.
T1020 = $(PYTHON) -c 'from sigma_t1020.cli import main; main()'

# A relative path to an interpreter, as seen from tests/; a bare name is looked up on PATH.
from_tests = $(if $(findstring /,$(1)),$(if $(filter /%,$(1)),$(1),../$(1)),$(1))

.DEFAULT_GOAL := help
.PHONY: help install test prove lint format types build build-check golden heads check wheel

help:  ## Say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-12s %s\n' "$$name" "$$text"; done

install:  ## Install the project for editing, the tools, and the oracles of the tests
	$(PYTHON) -m pip install --quiet -e '.[test]'
	$(PYTHON) tests/oracles/install.py

test: install  ## Install and run all tests, with a small share of the generated examples
	$(PYTHON) -m pytest -n $(WORKERS)

prove: install  ## The same tests with all generated examples: what the documentation claims
	T1020_VOLUME=prove $(PYTHON) -m pytest -n $(WORKERS)

lint:  ## Style and format
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format:  ## Rewrite what lint finds, where that is safe
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

# In tests/: mypy takes a folder sigma/ where it runs for pySigma's package.
types:  ## Types
	cd tests && $(call from_tests,$(PYTHON)) -m mypy --config-file ../pyproject.toml ../backend .

build:  ## Write dist/ from the sources
	$(T1020) build

build-check:  ## Whether dist/ is what the sources make
	$(T1020) build --check

golden:  ## Rewrite the golden files of tests/golden from what is converted now
	$(PYTHON) -m pytest tests/golden --update-golden

heads:  ## Rewrite what the heads of pipelines/*.yml say of the pipeline state's keys
	$(PYTHON) tests/log_models/heads.py

check: lint types test build-check  ## All of it

wheel:  ## Source archive and wheel, into build/ (dist/ is what users download)
	$(PYTHON) -m build --outdir build
