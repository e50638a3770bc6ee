# make demo   the whole job on two made towns, offline once installed
# make test   all tests; make lint, make docs, make bench, make geovisio: see CONTRIBUTING.md
# Each makes the environment when it is missing, and again when pyproject.toml or constraints.txt change.

PYTHON ?= python3
VENV   ?= .venv
DEMO   ?= demo
GEOVISIO ?= build/geovisio

BIN   := $(VENV)/bin
READY := $(VENV)/.machinami-ready

.PHONY: demo test lint docs bench install geovisio

install: $(READY)

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# The Panoramax server for the tests, in an environment of its own: it pins much of what it uses.
geovisio: $(GEOVISIO)/.ready

$(GEOVISIO)/.ready: tests/servers/requirements-geovisio.txt
	test -x $(GEOVISIO)/bin/python || $(PYTHON) -m venv $(GEOVISIO)
	$(GEOVISIO)/bin/python -m pip install --disable-pip-version-check -r $<
	touch $@

demo: $(READY)
	$(BIN)/machinami demo $(DEMO)

# pytest ends with 5 where no test bears one of the marks; that is no failure.
test: $(READY)
	$(BIN)/python -m pytest
	MACHINAMI_GEOVISIO=$(GEOVISIO) $(BIN)/python -m pytest -m "slow or e2e or cluster or server" || test $$? -eq 5

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python docs/make_reference.py
	$(BIN)/python -m pytest tests/test_docs.py

bench: $(READY)
	$(BIN)/python bench/run_all.py
