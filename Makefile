# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := demo

.PHONY: setup demo serve test check bench bench-ui screenshots clean

setup: $(STAMP)

$(STAMP): pyproject.toml requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "torch>=2.11,<2.14"
	$(BIN)/python -m pip install --quiet -e ".[test]"
	touch $(STAMP)

demo: setup
	$(BIN)/lobass demo $(DEMO)

serve: setup
	$(BIN)/lobass serve --project $(DEMO)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not real_model and not trainers" -n 2 --dist loadfile --no-loadscope-reorder --reruns 2 --only-rerun TimeoutError

bench: setup
	$(BIN)/python benchmarks/scoring.py

bench-ui: setup
	$(BIN)/python benchmarks/dashboard.py

screenshots: setup
	$(BIN)/python docs/screenshots.py

clean:
	rm -rf $(VENV) $(DEMO) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
