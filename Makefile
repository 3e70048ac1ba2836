# `make help` lists the targets. Everything they need goes into .venv and build/. ARGS="…" passes arguments on.
.DELETE_ON_ERROR:
.PHONY: help serve dev test test-fast check check-types check-rest fuzz soak kill limits budgets bench docs audit-pages pictures assets lock release clean app tests-ready system programs programs-if-required

VENV := .venv
PY := $(VENV)/bin/python
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip -qq --no-input
INSTALL := install --require-hashes
# Tests often wait for servers and browsers: three processes keep two cores busy.
JOBS ?= 3
UV := 0.13.9

FRONTEND := $(addprefix frontend/,package.json package-lock.json .npmrc build.mjs LICENSE.scalar LICENSES.reference)
ASSETS := $(FRONTEND) $(shell find src/ari/web/assets -type f)
MANIFEST := src/ari/web/static/manifest.json

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: app ## Run ARI
	@exec $(VENV)/bin/ari serve $(ARGS)

# Data in build/dev; ARI_DATA_DIR chooses another directory.
dev: $(VENV)/.dev app ## Run ARI, restart it on every change and reload open pages
	@exec $(PY) -m dev $(ARGS)

# A file's tests stay together: they share a browser, or a server. (xdist 3.8 ignores its groups under pytest 9.2.)
# tests/conftest.py orders the files. Without bytecode, every process would compile all tests again.
test: tests-ready ## Run all tests
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

# What needs real servers, programs, browsers, crashes or packages takes longer than all other tests together (decision 96).
OUTSIDE := benchmarks browser deploy doors package proof proxies
test-fast: tests-ready ## Run the tests of the code, without those from outside
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(OUTSIDE:%=--ignore=tests/%) $(ARGS)

# The types take as long as the rest together, so they are checked at the same time.
check: $(VENV)/.dev app ## Lint, types, import contracts, shape tests, generated docs
	@$(MAKE) --no-print-directory --keep-going --output-sync -j $(JOBS) check-types check-rest

check-types: $(VENV)/.dev app
	@$(VENV)/bin/mypy

check-rest: $(VENV)/.dev app
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/lint-imports
	@$(PY) -m pytest -q tests/shape
	@$(PY) docs/generate.py --check

# The suite runs these proofs and fuzzers in short form. Each prints its seed. See docs/explain/guarantees.md.
soak: $(VENV)/.dev app ## Prove that revoked keys stay revoked (long)
	@$(PY) -m tests.proof.strictness $(ARGS)

kill: $(VENV)/.dev app ## Prove that kill -9 loses no usage rows (long)
	@$(PY) -m tests.proof.durability $(ARGS)

limits: $(VENV)/.dev app ## Prove that limits are exact (long)
	@$(PY) -m tests.proof.limits $(ARGS)

budgets: $(VENV)/.dev app ## Prove that budgets equal the log (long)
	@$(PY) -m tests.proof.budgets $(ARGS)

fuzz: $(VENV)/.dev app ## Run the fuzzers (long)
	@$(PY) -m tests.fuzz.token_fuzz $(ARGS)
	@$(PY) -m tests.fuzz.model_fuzz $(ARGS)
	@$(PY) -m tests.fuzz.head_fuzz $(ARGS)
	@$(PY) -m tests.fuzz.route_fuzz $(ARGS)
	@$(PY) -m tests.fuzz.provider_fuzz $(ARGS)
	@ARI_TEST_SPELLINGS=1 $(PY) -m pytest -q tests/security/test_rule_01_one_router.py
	@$(PY) -m tests.proof.lifecycle $(ARGS)
	@ARI_TEST_EXAMPLES=100 ARI_TEST_SEED=random $(PY) -m pytest -q tests/doors/test_schemathesis.py

bench: $(VENV)/.dev app ## Measure speed
	@$(PY) -m benchmarks $(ARGS)

docs: $(VENV)/.dev app ## Write docs/reference
	@$(PY) docs/generate.py
	@$(PY) -m tests.map

# Writes docs/reference/page-audit.md.
audit-pages: $(VENV)/.dev app system ## Measure the pages with Lighthouse
	@$(PY) -m tests.audit.pages $(ARGS)

# Of an instance after a month of use.
pictures: $(VENV)/.dev app system ## Take the screenshots in docs/images
	@$(PY) -m tests.audit.pictures

assets: $(MANIFEST) ## Bundle the browser assets

app: $(VENV)/.app $(MANIFEST) ## Install ARI into .venv

tests-ready: $(VENV)/.dev app build/axe/axe.min.js build/client/.ready system programs-if-required

lock: ## Update all lock files
	@$(MAKE) --no-print-directory $(VENV)/.venv build/lock/bin/uv
	@$(PY) requirements/lock.py build/lock/bin/uv

# Checks the tree, builds the last commit twice, compares, and prints what publishes it. --rehearse builds in any case.
release: $(VENV)/.dev app ## Build a release into dist
	@$(PY) -m release $(ARGS)

clean: ## Delete everything that was built
	rm -rf $(VENV) build dist src/ari/web/static .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# build.txt also locks pip, so every machine ends up with the same version. Debian splits ensurepip off into
# python3-venv; there, the system's pip fills the environment.
$(VENV)/.venv: requirements/build.txt
	@test -n "$(PYTHON)" || { echo "ARI needs Python 3.11 or newer. Install it, or run: make PYTHON=/path/to/python3.11"; exit 1; }
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv $(VENV); \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then $(PYTHON) -m venv --without-pip $(VENV); \
	else echo "ARI needs pip, but $(PYTHON) has none. Install your system's python3-pip package."; exit 1; fi
	@echo "Installing build tools (first run only) …"
	@if test -x $(VENV)/bin/pip; then $(PIP) $(INSTALL) -r $<; \
	else PIP_DISABLE_PIP_VERSION_CHECK=1 $(PYTHON) -m pip --python $(PY) -qq --no-input $(INSTALL) -r $<; fi
	@touch $@

$(VENV)/.run: requirements/run.txt $(VENV)/.venv
	@echo "Installing Python packages (first run only) …"
	@$(PIP) $(INSTALL) -r $<
	@touch $@

$(VENV)/.app: pyproject.toml hatch_build.py $(VENV)/.run
	@$(PIP) uninstall -y ari 2>/dev/null || true  # the distribution's name in older checkouts
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "Installing development tools (first run only) …"
	@$(PIP) $(INSTALL) -r $<
	@touch $@

$(MANIFEST): $(ASSETS) hatch_build.py $(VENV)/.venv
	@$(PY) hatch_build.py
	@touch $@

build/axe/axe.min.js: frontend/package-lock.json $(VENV)/.dev
	@$(PY) -m tests.support.axe build/axe

# The client generator conflicts with ARI's versions, so it gets its own environment, for one test.
build/client/.ready: requirements/client.txt $(VENV)/.venv
	@$(PYTHON) -m venv --without-pip build/client
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip --python build/client/bin/python -qq --no-input $(INSTALL) -r $<
	@touch $@

# LangChain, Claude Code and others, which the guides name. They take 1.5 GB, so only CI has to have them.
programs: build/programs/python/.ready build/programs/node/.ready ## Install the AI programs of the guides, for their tests

ifneq ($(filter-out 0,$(ARI_TEST_REQUIRE_ALL)),)
programs-if-required: programs
else
programs-if-required:
	@test -e build/programs/node/.ready || \
		echo "Not installed: the AI programs of the guides (1.5 GB). Their tests are skipped; make programs installs them."
endif

build/programs/python/.ready: requirements/programs.txt $(VENV)/.venv
	@echo "Installing the guides' Python libraries (first run only) …"
	@rm -rf $(@D)
	@$(PYTHON) -m venv --without-pip $(@D)
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip --python $(@D)/bin/python -qq --no-input $(INSTALL) -r $<
	@touch $@

build/programs/node/.ready: tests/programs/package-lock.json $(VENV)/.dev
	@echo "Installing the guides' npm packages (first run only) …"
	@$(PY) -m tests.support.programs $(@D)
	@touch $@

build/lock/bin/uv: $(VENV)/.venv
	@$(PYTHON) -m venv --without-pip build/lock
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip --python build/lock/bin/python -qq install uv==$(UV)
	@touch $@

system:
	@sh tests/system.sh
