# Everything runs from .venv, which `make .venv` builds with nothing but Python >= 3.11.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed

.PHONY: run test test-web check bench snapshots screenshot format clean .venv
.DEFAULT_GOAL := run

run: $(STAMP)  ## open the lab on its first scenario
	@$(BIN)/looplab $(ARGS)

test: $(STAMP)  ## pass the tests
	$(BIN)/python -m pytest $(ARGS)

test-web: $(STAMP)  ## look at `looplab serve` with a real Chromium, which has to be on the PATH
	$(BIN)/python -m pytest tests/web -m web -n 0 $(ARGS)

check: $(STAMP)  ## format, lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest $(ARGS)

format: $(STAMP)  ## write the format, mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## paired benchmarks: observer effect, probe, generator, screen
	$(BIN)/python -m benchmarks $(ARGS)

snapshots: $(STAMP)  ## draw the snapshots anew; look at each before you commit it
	$(BIN)/python -m pytest tests/view/test_snapshots.py tests/view/test_view_themes.py --snapshot-update $(ARGS)

screenshot: $(STAMP)  ## draw the picture in README.md from a real run
	$(BIN)/python docs/screenshot.py

.venv: $(STAMP)  ## install only

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
	  "looplab needs Python 3.11 or later; this is %d.%d. Name another: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv --clear .venv
	@echo "installing into .venv: about a minute, once"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

clean:  ## remove what was built
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
