# The manual of this house: `make help`. Everything runs in .venv, which is made from requirements.lock.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The newest Python that is there and new enough; `make PYTHON=…` names another.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
PY := .venv/bin/python
EVENTS ?= embedded
# Each worker has servers of its own; WORKERS=1 runs the tests one after the other. A third one computes on two cores
# while the others wait for a process to start or a house to settle.
WORKERS ?= 3

PACKAGES := shared gateway deploy/local $(wildcard services/*-svc)
SOURCES := $(wildcard shared/src services/*/src gateway/src deploy/local/src)
RUNNING := .venv/.running
INSTALLED := .venv/.installed

.PHONY: help
help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- the environment -------------------------------------------------------------------------------------------------

# Two steps, so that `make run` on a fresh machine does not wait for linters: what runs, then what works on the house.
# Each is done anew when the lock or a package's own declaration has changed; the stamp comes last, so that an
# installation that was cut off is begun again.
PIP = $(PY) -m pip install --disable-pip-version-check --progress-bar off
PROGRESS := awk '/^ *(Downloading|Installing)/ {sub(/^ */, ""); print "  " substr($$0, 1, 100); fflush()}'

$(RUNNING): requirements.lock $(addsuffix /pyproject.toml,$(PACKAGES))
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Moat needs Python 3.11 or newer; name one with make PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python has no venv module here; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "Installing what Moat runs on into .venv (the first time about a minute) …"
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@sed '/^# What works on the house/,$$d' requirements.lock > .venv/running.lock
	@$(PIP) -r .venv/running.lock | $(PROGRESS)
	@$(PIP) -q --no-deps --no-build-isolation $(addprefix -e ./,$(PACKAGES))
	@touch $@

$(INSTALLED): $(RUNNING)
	@echo "Installing what checks and tests need into .venv …"
	@$(PIP) -r requirements.lock | $(PROGRESS)
	@touch $@

.venv: $(INSTALLED) ## Make the virtual environment from requirements.lock.

.PHONY: lock
lock: $(INSTALLED) ## Resolve what all packages declare into requirements.lock, keeping what still fits.
	@$(PY) -m tools.locking write

# ---- checking --------------------------------------------------------------------------------------------------------

.PHONY: check
check: lint types test ## Everything CI wants: format, lint, types, laws, contracts, compose, then all tests.

.PHONY: format
format: $(INSTALLED) ## Format the code and fix what can be fixed safely.
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix --show-fixes .

.PHONY: lint
lint: $(INSTALLED) lint-deploy ## Format, lint, import law, dependencies, house rules, contracts and lock as committed.
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/lint-imports --no-logo
	@$(PY) -m tools.house_rules
	@$(PY) -m tools.dependencies
	@$(PY) -m tools.contracts check
	@$(PY) -m tools.locking check

.PHONY: lint-deploy
lint-deploy: $(INSTALLED) ## Check docker-compose.yml against the compose specification and Dockerfiles with hadolint.
	@$(PY) -m tools.deployment

.PHONY: types
types: $(INSTALLED) ## Check the types, strictly.
	@.venv/bin/mypy $(SOURCES) tools

.PHONY: new-service
new-service: $(INSTALLED) ## Make a service that passes `make check` at once (NAME=visit).
	@$(PY) -m tools.new_service "$(NAME)"

.PHONY: contracts
contracts: $(INSTALLED) ## Make the JSON Schemas and the AsyncAPI document anew from moat.contracts.
	@$(PY) -m tools.contracts write

.PHONY: test
test: $(INSTALLED) ## Run every test on real PostgreSQL and real Kafka (WORKERS=1 for one at a time).
	@.venv/bin/pytest $(if $(filter-out 1,$(WORKERS)),-n $(WORKERS) --dist loadgroup)

.PHONY: bench
bench: $(INSTALLED) ## Run every measured claim: prints ratios, writes bench/results/ (BENCH=drain for one).
	@$(PY) -m bench $(BENCH)

# ---- running ---------------------------------------------------------------------------------------------------------

.PHONY: run
run: $(RUNNING) ## Start the whole of Moat on this machine, with real demo orders (EVENTS=kafka for real Kafka).
	@MOAT_EVENTS=$${MOAT_EVENTS:-$(EVENTS)} exec $(PY) -m moat_local run

.PHONY: kafka
kafka: $(RUNNING) ## Fetch and start the local Kafka alone and print its address.
	@exec $(PY) -m moat_local kafka

.PHONY: demo
demo: $(RUNNING) ## Send the demo's orders once more to the running Moat; the same facts change nothing.
	@$(PY) -m moat_local demo

.PHONY: clean
clean: ## Remove what the others made, asking before it deletes data.
	@$(PYTHON) deploy/local/src/moat_local/clean.py
	@rm -rf .venv

# ---- images ----------------------------------------------------------------------------------------------------------

.PHONY: compose-env
compose-env: $(INSTALLED) ## Write .env and a signing key for docker compose, once, with fresh secrets.
	@$(PY) deploy/docker/compose_env.py

.PHONY: images
images: $(INSTALLED) ## Build the images without a Docker engine.
	@$(PY) deploy/docker/images.py

.PHONY: images-test
images-test: $(INSTALLED) ## Build the images, run them and send one order through, or say why that cannot be.
	@.venv/bin/pytest deploy/docker/tests
