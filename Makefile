# The commands of the house. `make` alone lists them.

VENV := .venv/bin
STAMP := .venv.stamp

.DEFAULT_GOAL := help
.PHONY: help setup run test lint calibrate bench bench-fuzzing run-real run-esp steady run-dc fuzz-real lab-real lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: $(STAMP) ## make .venv and install (again only when the pins change)

$(STAMP): requirements.lock pyproject.toml package-lock.json tools/setup.sh
	@tools/setup.sh
	@touch $@

run: $(STAMP) ## all purposes against the embedded reference lab (more options: make run ARGS="--family SBI")
	@$(VENV)/imsproof run $(ARGS)

test: lint ## the harness' own tests, lint, types and the calibration
	@$(VENV)/pytest -q -n auto
	@$(VENV)/pytest -q fuzz
	@$(VENV)/imsproof calibrate

lint: $(STAMP) ## ruff, mypy, the import rule, the mirror rule
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy
	@$(VENV)/python tools/check_imports.py
	@$(VENV)/python tools/check_mirror.py

calibrate: $(STAMP) ## each planted fault against the purposes that must catch it
	@$(VENV)/imsproof calibrate $(ARGS)

bench: $(STAMP) ## how fast the parts are (bench/)
	@for file in bench/bench_*.py; do $(VENV)/python "$$file" || exit 1; done

bench-fuzzing: $(STAMP) ## how fast campaigns are, with their targets, and memory over a million cases (5 minutes)
	@$(VENV)/python bench/bench_fuzzing.py
	@$(VENV)/python bench/bench_fuzzing.py --million

run-real: $(STAMP) ## the purposes that apply to Debian's kamailio and nginx, on loopback
	@profiles/kamailio/run.sh

run-esp: $(STAMP) ## GM-AGREE and GM-ESP against Debian's kamailio and a kernel's ESP, in a Linux that runs as a program
	@profiles/kernel-esp/run.sh

steady: $(STAMP) ## run-real again and again: whose verdict is not always the same? (CONFIGURATION=default COUNT=20)
	@profiles/kamailio/run.sh --steady $(or $(COUNT),20) $(or $(CONFIGURATION),default)

fuzz-real: $(STAMP) ## campaigns against kamailio, baresip, sipp, rtpengine, coturn, nginx and node (BUDGET=60s each)
	@profiles/fuzzing/campaigns.sh

run-dc: $(STAMP) ## data channels of another stack: PEER=chromium (default), firefox, gstreamer, janus ...
	@profiles/interop-dc/run.sh $(or $(PEER),chromium) $(ARGS)

lab-real: $(STAMP) ## keep that lab running in the foreground (CONFIGURATION=registrar, default or hardened)
	@profiles/kamailio/run.sh --keep $(or $(CONFIGURATION),default)

lock: $(STAMP) ## pin what is installed in .venv now
	@$(VENV)/python -m pip freeze --exclude-editable > requirements.lock

clean: ## remove .venv, caches and builds; runs under reports/ stay
	rm -rf .venv $(STAMP) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find lib tests testcases tools fuzz bench -name __pycache__ -type d -prune -exec rm -rf {} +
