# One command each; `make help` lists them.
PYTHON ?= python3
STUDY ?= [a-z]*
RUN = .venv/bin/workbench
DEMO = data/synthetic/demo
DISTRICT = data/synthetic/district

# The tests with real exports look where this points, and say so where they find nothing.
ifeq ($(origin WORKBENCH_REAL_DATA),undefined)
REAL_DATA := $(shell cd ../shared/data 2>/dev/null && pwd)
ifneq ($(REAL_DATA),)
export WORKBENCH_REAL_DATA := $(REAL_DATA)
endif
endif
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help demo district test setup setup-system setup-python setup-hub lint lab dashboard hub prove bench bench-state docs clean

help:  ## this list
	@echo "Learning Analytics Workbench: type 'make' and one of these words."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: setup  ## from nothing to a report: 10,000 synthetic students, predicted and explained
	@test -f $(DEMO)/dataset.json || $(RUN) synthesize $(DEMO) --preset demo
	@$(RUN) run params/demo.yml

district: setup  ## growth, value added, percentiles, gaps and trends for a district of 50,000
	@test -f $(DISTRICT)/dataset.json || $(RUN) synthesize $(DISTRICT) --preset district
	@$(RUN) run params/district.yml

lab: setup  ## open JupyterLab on the notebooks
	@$(RUN) lab

dashboard: setup  ## serve the dashboards to a browser on this machine
	@$(RUN) dashboard

hub: setup-hub  ## let people sign in, on this machine: JupyterHub with the dashboards behind it
	@$(RUN) hub

test: lint demo  ## set up what is missing, run the demo and every test (up to 20 minutes)
	@scripts/setup-hub || echo 'The tests of the hub are left out.'
	@.venv/bin/python -m pytest -n 2 --dist loadfile -rs --nbval-lax --nbval-current-env \
		--ignore-glob='tests/*.ipynb' --ignore=notebooks/dashboards tests notebooks

lint: setup  ## check style and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

prove: setup  ## long studies, written to docs/evidence/; one alone: make prove STUDY=dropout_ceiling
	@failed=; for study in prove/$(STUDY).py; do \
		echo "== $$study"; .venv/bin/python "$$study" || failed="$$failed $$study"; \
	done; test -z "$$failed" || { echo "Not proven:$$failed"; exit 1; }

bench: setup  ## speed and memory, as ratios taken in one run
	@.venv/bin/python benchmarks/run.py

bench-state: setup  ## the same for a whole state of 1,000,000 students (an hour)
	@.venv/bin/python benchmarks/run.py state_features state_mixed

setup-hub: setup-python  ## what signing in needs: JupyterHub and its proxy
	@scripts/setup-hub

setup: setup-python  ## install what is missing: Pango, R, Java and a browser (root on Debian), and .venv

setup-system:  ## only what Debian brings: Pango, R, Java, Chromium
	@scripts/setup-system

setup-python: setup-system  ## only .venv and its Python packages
	@scripts/setup-python

docs: setup  ## write the pages that are made from the code
	@$(RUN) doctor --write-docs

clean:  ## remove what the set-up made; data, runs and published reports stay
	rm -rf .venv .r-library .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build
