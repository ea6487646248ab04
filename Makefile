# Everything a newcomer needs; each target sets up its own virtual environment first.
#
#   make test                     all tests
#   make test ARGS="-k mixture"   some of them
#   make demo PYTHON=python3.12   with another Python (3.11 or newer)
#   make test VENV=/tmp/venv      in another virtual environment
#   make demo TORCH_INDEX=        with PyPI's build of torch (CUDA on Linux) instead of the smaller one for CPUs

PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
DATA ?= ../shared/data
MODELS ?= models
REFERENCE ?= build/reference
ARGS ?=

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
USER_STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

export HF_HUB_DISABLE_TELEMETRY := 1
export TOKENIZERS_PARALLELISM := false

.PHONY: help demo test browser check format lint types layers bench bench-vectors docs clean

help:  ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(USER_STAMP)  ## The whole job on the model that comes with monoglot, offline, in some minutes
	HF_HUB_OFFLINE=1 $(VENV)/bin/monoglot demo --overwrite $(ARGS)

# One thread for each of the two workers: more only get in each other's way.
test: $(DEV_STAMP)  ## Run the tests
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist worksteal $(ARGS)

browser: $(DEV_STAMP)  ## Try the pages in a real browser; needs Chromium and node
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(PY) -m pytest -m browser tests/reporting $(ARGS)

check: format lint types layers  ## Check format, lint, types and the direction of imports

format: $(DEV_STAMP)
	$(PY) -m ruff format --check .

lint: $(DEV_STAMP)
	$(PY) -m ruff check .

types: $(DEV_STAMP)
	$(PY) -m mypy

layers: $(DEV_STAMP)
	$(VENV)/bin/lint-imports

bench: $(DEV_STAMP)  ## Compare with the reference implementation of FOCUS: speed, memory, row by row
	HF_HUB_OFFLINE=1 $(PY) -m benchmarks.focus_step --environment $(REFERENCE)
	HF_HUB_OFFLINE=1 $(PY) -m benchmarks.equivalence --environment $(REFERENCE) --data $(DATA) --models $(MODELS)

bench-vectors: $(DEV_STAMP)  ## Compare auxiliary spaces and methods before training; hours
	for language in de ar sw hi fi xh; do \
	  HF_HUB_OFFLINE=1 $(PY) -m benchmarks.vectors_proxy --data $(DATA) --models $(MODELS) --language $$language && \
	  HF_HUB_OFFLINE=1 $(PY) -m benchmarks.step_zero --data $(DATA) --models $(MODELS) --language $$language || exit; \
	done

docs: $(USER_STAMP)  ## Build the documentation's site in site/
	$(PIP) install --group docs
	$(VENV)/bin/zensical build --clean --strict

clean:  ## Remove what these targets made
	rm -rf $(VENV) build dist site demo-output .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# torch comes first and alone, so that nothing pulls a larger build in beside it; only torch is looked for
# outside PyPI.
$(USER_STAMP): pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (a minute or two)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "monoglot needs Python 3.11 or newer; say which with PYTHON=…")'
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'
	$(PIP) install --no-deps $(if $(TORCH_INDEX),--retries 1 --timeout 15 --extra-index-url $(TORCH_INDEX)) -c constraints.txt torch
	$(PIP) install -c constraints.txt --editable .
	@touch $@

$(DEV_STAMP): $(USER_STAMP)
	$(PIP) install -c constraints.txt --group dev
	@touch $@
