# Needs Python 3.11 or newer (with venv) and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-all lint scan bench docs catalog lock clean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: $(VENV)/.installed ## Play the whole story against a sandbox tenant (ARGS=--script, --serve, --list, '--case NAME')
	@$(BIN)/secondkey demo $(ARGS)

serve: $(VENV)/.installed ## Run the bot with the settings of this environment
	@$(BIN)/secondkey serve

test: $(VENV)/.installed-dev ## Run the tests, but for the long ones
	$(BIN)/python -m pytest -m "not long" $(ARGS)

test-all: $(VENV)/.installed-dev ## Run all the tests, with coverage
	$(BIN)/python -m pytest --cov --cov-report=term $(ARGS)

lint: $(VENV)/.installed-dev ## ruff, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

scan: ## Scan infra/ and the Dockerfiles (checkov, hadolint)
	.ci/scan

bench: $(VENV)/.installed-dev ## Measure, and write docs/benchmarks.md
	$(BIN)/python -m tests.bench $(ARGS)

docs: $(VENV)/.installed-dev ## Bring what is generated in README, docs/ and infra/ up to date
	$(BIN)/secondkey docs
	PYTHONPATH=tests $(BIN)/python -m deploy.parameters

catalog: $(VENV)/.installed ## Bring the translations' files up to date with the English strings
	@$(BIN)/python -m cards.catalog $(ARGS)

lock: $(VENV)/.installed-dev ## Pin all dependencies anew (hashes, no download addresses)
	$(BIN)/uv pip compile pyproject.toml --group build $(LOCK) -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group build --group dev -c requirements.txt $(LOCK) -o requirements-dev.txt
	$(BIN)/uv pip compile pyproject.toml --group build --extra azure-monitor -c requirements.txt $(LOCK) -o requirements-image.txt
	$(BIN)/uv pip compile .ci/scan.in --override .ci/scan-overrides.txt $(LOCK) -o .ci/scan.txt

LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock" --quiet

clean: ## Remove what the other targets made
	rm -rf $(VENV) build dist .*_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Second Key needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "Could not make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
		  rm -rf $(VENV); exit 2; }

# --no-deps: the files name every package; older pips would look for newer ones behind an extra and stop.
$(VENV)/.installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing Second Key into $(VENV) (a minute or two, once) ..."
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements-dev.txt
	@touch $@
