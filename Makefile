# Needs Python 3.11 or newer and make; everything else comes into .venv and frontend/node_modules.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SUFFIXES:

PYTHON := .venv/bin/python
PIP_INSTALL := $(PYTHON) -m pip install -qq --disable-pip-version-check --no-compile --no-input
STATIC := django_celery_monitor/static/django_celery_monitor/dist
FRONTEND := $(shell find frontend/src -type f 2>/dev/null)
READY := .venv/project.stamp $(STATIC)/manifest.json
# On as many cores as there are, but two at most: tests have time limits. Files in our own order.
BESIDE := -n logical --maxprocesses 2 --dist loadfile --no-loadscope-reorder
TEMPLATES := find django_celery_monitor example_project -name '*.html'

help: ## what there is to make
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

demo: .venv/demo.stamp $(READY) ## a shop's Celery with everything running, on loopback
	@$(PYTHON) -m example_project.demo

test: lint ## everything that can be tested, with real servers and a real browser
	@echo '== pytest'
	@$(PYTHON) -m tests.servers -- $(PYTHON) -m pytest $(BESIDE)

soak: .venv/test.stamp $(READY) ## every fault at full size, with its result in build/soak.md; half an hour
	@SOAK=1 $(PYTHON) -m tests.servers -- $(PYTHON) -m pytest --timeout 1800 tests/faults

lint: .venv/test.stamp $(READY) ## style, types and templates
	@echo '== ruff'
	@$(PYTHON) -m ruff check --quiet .
	@$(PYTHON) -m ruff format --quiet --check .
	@echo '== mypy'
	@$(PYTHON) -m mypy --no-error-summary
	@echo '== djade'
	@$(TEMPLATES) -exec .venv/bin/djade --target-version 5.2 --check {} +
	@echo '== tsc'
	@$(PYTHON) hatch_build.py run --silent check

build: $(STATIC)/manifest.json ## the bundled front end

lock: ## newest versions into requirements/ (needs uv)
	$(COMPILE) --upgrade --extra all --group demo --group test --group lint -o requirements/test.txt
	$(COMPILE) --extra all --group demo -c requirements/test.txt -o requirements/demo.txt
	$(COMPILE) --extra all --group demo --group bench -c requirements/test.txt -o requirements/bench.txt
	$(COMPILE_GROUP) build -c requirements/test.txt -o requirements/build.txt
	$(COMPILE_GROUP) node -o requirements/node.txt

COMPILE_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header
COMPILE = uv pip compile pyproject.toml $(COMPILE_OPTIONS)
COMPILE_GROUP = uv pip compile --upgrade $(COMPILE_OPTIONS) --group

clean: ## remove whatever was installed or built
	rm -rf .venv .tox .demo .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	rm -rf frontend/node_modules $(STATIC)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A name may be on the path and still not run (pyenv's shims), or lack venv (Debian's python3).
$(PYTHON):
	@for name in $(PYTHON3) python3.13 python3.12 python3.11 python3; do \
		if "$$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "== .venv with $$("$$name" --version)"; \
			exec "$$name" -m venv .venv; \
		fi; \
	done; \
	echo 'Python 3.11 or newer with its venv module is needed (on Debian: apt install python3-venv).' >&2; \
	echo 'To use one that is not on the path: make PYTHON3=/path/to/python3' >&2; \
	exit 1

.venv/%.stamp: requirements/%.txt | $(PYTHON)
	@echo '== packages in requirements/$*.txt'
	@$(PIP_INSTALL) --require-hashes -r requirements/$*.txt
	@touch $@

.venv/project.stamp: pyproject.toml hatch_build.py .venv/build.stamp
	@$(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

# Without npm on the path, npm from the node wheel.
frontend/node_modules/.package-lock.json: frontend/package-lock.json | .venv/build.stamp
	@echo '== front end'
	@command -v npm >/dev/null || $(PIP_INSTALL) --require-hashes -r requirements/node.txt
	@$(PYTHON) hatch_build.py ci --loglevel=error --no-audit --no-fund
	@touch $@

$(STATIC)/manifest.json: frontend/node_modules/.package-lock.json frontend/build.mjs $(FRONTEND)
	@$(PYTHON) hatch_build.py run --silent build

.PHONY: build clean demo help lint lock soak test
