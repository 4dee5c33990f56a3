# Everything a developer of senior-backend does. A bare machine needs Python >= 3.11, git and make.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The same Python everywhere: never one that uv would download by itself.
export UV_PYTHON_DOWNLOADS := never
# What this Makefile runs must not be steered by the virtual environment of the caller, nor compile
# every module anew in each of the many programs that the tests start.
unexport VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

# The tests run in as many processes; which of them belong together: tests/fixtures/workers.py.
WORKERS ?= 2
# What is slow waits for most of the time: for time-outs, for servers that drain.
verify: WORKERS = 3
PYTEST = $(BIN)/pytest --numprocesses $(WORKERS) --dist loadgroup --no-loadscope-reorder

.PHONY: help setup format lint test verify demo bench bench-services bench-migrations bench-trace bench-load bench-locks docs lock node-lock go-lock release clean

help: ## List what there is to do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Create .venv with the exact versions of requirements-dev.txt

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "make: Python 3.11 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "make: this Python has no venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	@command -v git >/dev/null || { echo "make: git is needed; install it and run this again" >&2; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -o '^uv==[0-9.]*' requirements-dev.txt)"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

format: $(READY) ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(READY) ## Formatter, linter, strict types, import floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint ## The tests (under 10 minutes)
	@start=$$(date +%s); $(PYTEST) -m "not verify"; status=$$?; \
	  echo "make test: pytest took $$(( $$(date +%s) - start )) s"; exit $$status

verify: $(READY) ## The slow proof: whole services, contract, updates (SEED=... repeats a sample)
	@start=$$(date +%s); $(PYTEST) -m verify; status=$$?; \
	  echo "make verify: pytest took $$(( $$(date +%s) - start )) s"; exit $$status

demo: $(READY) ## Scaffold a service, run it, call it, clean up (under 2 minutes)
	@$(BIN)/python demo/demo.py $(if $(SVG),--svg $(SVG))

bench: bench-services bench-load ## Side-by-side benchmarks of what runs: services and the load generator

bench-services: $(READY) ## Measure services beside bare handlers; prints tables of ratios (needs wrk)
	$(BIN)/python benchmarks/service_overhead.py
	$(BIN)/python benchmarks/graphql_relations.py

bench-migrations: $(READY) ## Measure the migration linter beside others; writes docs/benchmarks
	$(BIN)/python benchmarks/migration_lint.py --write docs/benchmarks/migration_lint.md

bench-trace: $(READY) ## Measure traces beside eugene's, and the lock model on public migrations; writes docs/benchmarks
	$(BIN)/python benchmarks/migration_trace.py --write docs/benchmarks/migration_trace.md
	$(BIN)/python benchmarks/static_observed.py --write docs/benchmarks/static_observed.md

bench-load: $(READY) ## Measure the load generator beside others; writes docs/benchmarks (needs nginx)
	$(BIN)/python benchmarks/load_engine.py --write docs/benchmarks/load_engine.md

bench-locks: $(READY) ## Measure how long locks are held, and the estimates of it; writes docs/benchmarks and the linter's rates
	$(BIN)/python benchmarks/lock_durations.py --write docs/benchmarks/lock_durations.md \
	  --data hooks/senior_backend/migrations/durations.json

docs: $(READY) ## Write the pages that are generated from the rules
	$(BIN)/python .ci/docs.py

lock: $(READY) ## Write the lock files anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra all --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.txt
	$(BIN)/uv pip compile pyproject.toml --extra all --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements-dev.txt

node-lock: $(READY) ## The lock files of Node services, from package.json (UPGRADE=1: to the newest)
	PATH="$$($(BIN)/python -c 'from tests.template.make import PATH; print(PATH)')" $(BIN)/python .ci/node_lock.py

go-lock: $(READY) ## go.mod and go.sum of Go services, from what they import (UPGRADE=1: to the newest)
	PATH="$$($(BIN)/python -c 'from tests.template.make import PATH; print(PATH)')" $(BIN)/python .ci/go_lock.py

release: $(READY) ## Make and tag a release: make release VERSION=1.2.3
	$(BIN)/python .ci/release.py "$(VERSION)"

clean: ## Remove what make made
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache results
