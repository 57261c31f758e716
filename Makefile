# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROGRAM := $(VENV)/.installed
TESTS := $(VENV)/.installed-for-tests
DEMO := demo
PORT ?= 8501

# Two workers with one thread each; whole files to a worker, the longest first.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --reruns 2 --only-rerun TimeoutError

.PHONY: setup setup-tests demo demo-real serve fast test real-model trainers faults-ci faults axe check bench bench-ui screenshots clean

# What the program needs. pip shows what it downloads, so that a first run is never mute.
setup: $(PROGRAM)

$(PROGRAM): pyproject.toml requirements.txt
	@echo "Installing LoBaSS into $(VENV), once: one to two minutes with a fast connection"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install "torch>=2.11,<2.14"
	$(BIN)/python -m pip install -e .
	touch $(PROGRAM)

# What the tests and checks need beside it.
setup-tests: $(TESTS)

$(TESTS): $(PROGRAM)
	$(BIN)/python -m pip install -e ".[test]"
	touch $(TESTS)

demo: setup
	$(BIN)/lobass demo $(DEMO) --port $(PORT)

# The demo's data under a real pretrained model, fetched once; about half an hour on two cores.
demo-real: setup
	$(BIN)/lobass demo --real $(DEMO)-real --port $(PORT)

serve: setup
	$(BIN)/lobass serve --project $(DEMO) --port $(PORT)

check: setup-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

# The quick tests of the rooms, in about a minute: what a change should pass before each commit. Journeys over a project, a
# page or a process are left to `make test`.
JOURNEYS := browser cli faults pages real_model serving trainers worker workflows
fast: setup-tests
	$(PYTEST) -m "not slow and not real_model" $(JOURNEYS:%=--ignore=tests/%)

test: setup-tests
	$(PYTEST) -m "not real_model and not trainers and not faults"

# A real pretrained model from end to end: training, scoring, token losses, and a trainer on what was exported.
real-model: setup-tests
	$(BIN)/python -m lobass_core.workflows.pretrained
	$(BIN)/python -m pytest -m real_model --timeout 1800

# TRL, Axolotl and LLaMA-Factory in environments of their own under .trainers (3.5 GB): what each keeps of every export.
# Writes the table in docs/exports.md.
trainers: setup-tests
	$(BIN)/python -m tests.trainers.environments
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m trainers tests/trainers
	$(BIN)/python -m tests.trainers.table

# Kills, full disks, damaged files, two of everything at once: what docs/reliability.md says of them.
KILLS ?= 200
MINUTES ?= 10
FAULTS := OMP_NUM_THREADS=1 LOBASS_FAULT_RECORDS=build/faults/records.jsonl $(BIN)/python -m

faults-ci: setup-tests
	LOBASS_FAULT_KILLS=20 OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/faults/test_kills.py tests/faults/test_other_faults.py

# Goes on where it was stopped; `rm -r build/faults` begins anew.
faults: setup-tests
	LOBASS_FAULT_KILLS=$(KILLS) $(FAULTS) pytest tests/faults
	$(FAULTS) tests.faults.load --minutes $(MINUTES) --json build/faults/load.json
	$(FAULTS) tests.faults.report

# axe-core on every page, filled and empty, in both themes, two widths and two zooms: the table in docs/pages.md.
axe: setup-tests
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.accessibility.matrix

bench: setup-tests
	$(BIN)/python benchmarks/scoring.py
	$(BIN)/python benchmarks/training.py

bench-ui: setup-tests
	$(BIN)/python benchmarks/dashboard.py

screenshots: setup-tests
	$(BIN)/python docs/screenshots.py

clean:
	rm -rf $(VENV) .trainers $(DEMO) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
