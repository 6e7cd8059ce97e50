# On a fresh machine, Python 3.11+ and make are all this needs.
PYTHON ?= python3
VENV := .venv
EMULATOR_VENV := .venv-emulator
BIN := $(VENV)/bin
REQUIRE_PYTHON := $(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"Python 3.11 or newer is needed, found {sys.version.split()[0]}; name another with make PYTHON=...")'
# Python compiles what it imports: of the packages' 8,000 modules, one in thirty.
INSTALL := -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes
LOCK := $(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --quiet

.DEFAULT_GOAL := help
.PHONY: help setup run demo local-logs local-reset plan verify cost test test-local-cloud test-speaking test-everything-else bench check format lint types lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make both virtual environments from the locks
	@$(MAKE) --no-print-directory --silent --jobs=2 $(VENV)/.hears-english $(EMULATOR_VENV)/.installed

$(VENV)/.installed: requirements-dev.txt
	$(REQUIRE_PYTHON)
	echo 'Making $(VENV) from $<, in about a minute.'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python $(INSTALL) -r $<
	touch $@

$(VENV)/.hears-english: local/speech/requirements.txt $(VENV)/.installed
	$(BIN)/python $(INSTALL) --only-binary=:all: -r $< \
		|| echo 'Going on without pocketsphinx: the local cloud will not recognise English (rm $@ to try again).'
	touch $@

$(EMULATOR_VENV)/.installed: local/emulator/requirements.txt
	$(REQUIRE_PYTHON)
	echo 'Making $(EMULATOR_VENV) from $<.'
	$(PYTHON) -m venv --clear $(EMULATOR_VENV)
	$(EMULATOR_VENV)/bin/python $(INSTALL) -r $<
	touch $@

run: setup ## Deploy the whole stack onto the local cloud and serve until Ctrl-C
	@$(BIN)/python -m local.run

demo: setup ## Hold scripted live sessions over real sockets, one with a speech
	@$(BIN)/python -m local.demo

local-logs: setup ## Follow the functions' logs of the running local cloud, or of CLOUD=.local-2
	@$(BIN)/python -m local.logs $(if $(CLOUD),--cloud '$(CLOUD)')

local-reset: setup ## Empty the state of the running local cloud, or of CLOUD=.local-2
	@$(BIN)/python -m local.reset $(if $(CLOUD),--cloud '$(CLOUD)')

plan: setup ## List what the program declares, of each stack or STACK=staging; AGAINST=main: the difference
	@$(BIN)/python -m operations.plan $(if $(STACK),--stack '$(STACK)') $(if $(AGAINST),--against '$(AGAINST)') $(PLAN)

verify: setup ## Check a deployment: STACK=staging, or the running local cloud; options in VERIFY='--json'
	@$(BIN)/python -m operations.verify $(if $(STACK),--stack '$(STACK)') $(VERIFY)

cost: setup ## Estimate a month's bill: STACK=staging, COST='--sessions 20 --listeners 100 --hours 160 --captions-per-minute 20'
	@$(BIN)/python -m operations.cost $(if $(STACK),--stack '$(STACK)') $(COST)

# The local cloud's tests mostly wait, so they run beside all others, which use every core and stand
# back for them; each run prints when it is done.
EMULATOR_TESTS := tests/local/emulator
SPEAKING_TESTS := tests/local/audio tests/local/speech tests/local/verify tests/local/monitoring
OTHER_FOLDERS := $(filter-out tests/local/ tests/__pycache__/,$(wildcard tests/*/))
TEST_RUNS := test-local-cloud test-speaking test-everything-else
BESIDE := --no-print-directory --jobs=3 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

test: setup ## Run every test
	@echo 'Three test runs side by side; each shows its results when it has ended, in some ten minutes.'
	@$(MAKE) $(BESIDE) $(TEST_RUNS)

test-local-cloud:
	$(BIN)/python -m pytest tests/local $(addprefix --ignore=,$(EMULATOR_TESTS) $(SPEAKING_TESTS))

test-speaking:
	$(BIN)/python -m pytest $(SPEAKING_TESTS)

test-everything-else:
	nice -n 5 $(BIN)/python -m pytest --numprocesses=auto --dist=worksteal $(OTHER_FOLDERS) $(EMULATOR_TESTS) $(wildcard tests/test_*.py)

bench: setup ## Measure posts, cold starts, audio and captions; ratios where there are any
	$(BIN)/python benchmarks/fan_out.py
	$(BIN)/python benchmarks/cold_start.py
	$(BIN)/python benchmarks/audio_ingest.py
	$(BIN)/python benchmarks/captions.py

check: setup ## Format, lint, types and tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	@$(MAKE) $(BESIDE) $(TEST_RUNS)

format: setup ## Format and apply the safe lint fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/pyright

lock: setup ## Resolve the newest dependencies and write the locks, with hashes
	$(LOCK) --upgrade --group dev pyproject.toml -o requirements-dev.txt
	$(LOCK) --upgrade pyproject.toml -c requirements-dev.txt -o requirements.txt
	$(LOCK) --upgrade handlers/requirements.in -c requirements-dev.txt -o handlers/requirements.txt
	$(LOCK) --upgrade handlers/requirements-authorizer.in -c requirements-dev.txt -o handlers/requirements-authorizer.txt
	$(LOCK) --upgrade handlers/requirements-streaming.in -c requirements-dev.txt -o handlers/requirements-streaming.txt
	$(LOCK) --upgrade local/speech/requirements.in -c requirements-dev.txt -o local/speech/requirements.txt
	$(LOCK) --upgrade local/emulator/requirements.in -o local/emulator/requirements.txt

clean: ## Remove everything that make created, unless a local cloud is running
	@$(PYTHON) -m local.clean
	rm -rf $(VENV) $(EMULATOR_VENV) .build .local .local-* .pytest_cache .ruff_cache .hypothesis
	find . -type d -name __pycache__ -prune -exec rm -rf {} +
