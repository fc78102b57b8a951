# Each target sets up what it needs: Python 3.11 or newer and a package index are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SDKS := .venv-sdk
SDKS_READY := $(SDKS)/.ready

# The tests start hundreds of processes, and each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

# More for pytest in "make check", for example what to leave out.
CHECK_ARGS ?=

# How long the guided fuzzing lasts.
FUZZ_SECONDS ?= 120

.PHONY: demo test check format lint types docs faults fuzz contract sdks bench clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all]" --group dev
	@touch $(READY)

$(SDKS_READY): tests/sdk/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(SDKS)
	$(SDKS)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/sdk/requirements.txt --editable .
	@touch $(SDKS_READY)

demo: $(READY)
	@BROKERWIRE_ENVIRONMENT=offline $(BIN)/python examples/quotes.py 10

test: $(READY)
	$(BIN)/python -m pytest -n 3 --dist loadfile

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache # its cache believes in modules that were missing once

types: $(READY)
	$(BIN)/mypy
	$(BIN)/pyright

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet -f .mkdocs.yml

check: lint types docs
	$(BIN)/python -m pytest -n 3 --dist loadfile --cov --cov-report=term $(CHECK_ARGS)

faults: $(READY)
	BROKERWIRE_FAULTS=full $(BIN)/python -m pytest tests/faults -n 3 --dist loadfile
	$(BIN)/python -m tests.fuzz --runs 3000

# Other examples in every run; what breaks is shown with what to do about it.
fuzz: $(READY)
	BROKERWIRE_FAULTS=full BROKERWIRE_EXPLORE=1 $(BIN)/python -m pytest tests/fuzz -n 2 --timeout 600
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) --seed $$(date +%s)

# The counts of the reliability contract; takes long, run by hand.
contract: $(READY)
	BROKERWIRE_FAULTS=contract $(BIN)/python -m pytest tests/faults -n 2 --dist loadfile --timeout 3600

sdks: $(READY) $(SDKS_READY)
	$(BIN)/python -m pytest tests/sdk -n 2 --dist loadfile

# The peers that are measured live with the SDKs; without them brokerwire is measured alone.
bench: $(READY)
	$(firstword $(wildcard $(SDKS)/bin/python) $(BIN)/python) -m tests.bench

clean:
	rm -rf $(VENV) $(SDKS) site build dist .coverage htmlcov
