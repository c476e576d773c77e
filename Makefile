# Needs only Python 3.11 or newer (with its venv module) and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
AUDIT  := $(VENV)-audit

.DEFAULT_GOAL := help
.PHONY: help demo test test-browser lint fmt bench chaos audit lock clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ai-trader needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "This Python has no venv module. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

# --require-hashes: what is installed is what was locked, byte for byte.
$(VENV)/.core: requirements.lock pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing ai-trader into $(VENV) (the first time takes about a minute) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.core
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.core ## set everything up and play a recorded market into a local chat (ARGS="--fresh" begins anew)
	@$(BIN)/ai-trader demo $(ARGS)

# The slow files come first in the alphabet, the thousands of quick tests last: xdist's own order would
# begin with the quick ones and let two workers wait for the last slow file. Every process of ours that
# a test starts would compile the whole product if a container's setting kept it from being written.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.dev ## run every test that needs no browser
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not browser" $(ARGS)
	@$(BIN)/python -m tests.browser --note

test-browser: $(VENV)/.dev ## run the tests that drive a real Chromium
	@$(BIN)/python -m tests.browser --require
	@$(BIN)/python -m pytest -m browser $(ARGS)

lint: $(VENV)/.dev ## style, types and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fmt: $(VENV)/.dev ## format the code
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

bench: $(VENV)/.dev ## run the benchmarks (they print ratios, they assert nothing)
	@$(BIN)/python -m tests.benchmarks $(ARGS)

chaos: $(VENV)/.dev ## kill the product at random moments and check the books (ARGS="--fast --kills 200 --seed 1")
	@$(BIN)/python -m tests.chaos $(ARGS)

$(AUDIT)/.tools: requirements-audit.lock | $(VENV)/pyvenv.cfg
	@$(BIN)/python -m venv $(AUDIT)
	@$(AUDIT)/bin/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-audit.lock
	@touch $@

audit: $(VENV)/.dev $(AUDIT)/.tools ## look for known vulnerabilities in what is locked; the bill of materials is build/sbom.json
	@mkdir -p build && rm -f build/audit.json build/sbom.json
	@$(AUDIT)/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible -o build/sbom.json
	@$(AUDIT)/bin/pip-audit -r requirements.lock --require-hashes --disable-pip --progress-spinner off --format json -o build/audit.json >build/audit.log 2>&1 || true
	@$(BIN)/python -m tests.supply build/audit.json build/sbom.json requirements.lock

lock: ## pin every dependency again (needs uv); no host and no index is written
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-config \
	  --extra build pyproject.toml -o requirements.lock
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-config \
	  --extra build --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-config \
	  requirements-audit.in -o requirements-audit.lock

clean: ## remove the virtual environment and the caches
	@rm -rf $(VENV) $(AUDIT) .mypy_cache .ruff_cache .pytest_cache build dist
