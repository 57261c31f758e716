# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROGRAM := $(VENV)/.installed
TESTS := $(VENV)/.installed-for-tests
DEMO := demo
PORT ?= 8501

# Projects of the tests lie in memory where there is room for them: on a disk, a test waits for it a quarter of its time.
ROOM := $(shell df -k /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 6e6 {print "/dev/shm"}')
MEMORY := $(shell awk '/^MemAvailable/ && $$2 > 10e6 {print "enough"}' /proc/meminfo 2>/dev/null)
IN_MEMORY := $(if $(MEMORY),$(if $(ROOM),export TMPDIR=$$(mktemp -d $(ROOM)/lobass-XXXXXX); \
	trap 'rm -rf "$$TMPDIR"' EXIT INT TERM;))

# Two workers with one thread each; whole files to a worker, the longest first. The tests start hundreds of programs, which
# keep their bytecode, whatever the shell says: compiling ours takes each a second.
PYTEST := $(IN_MEMORY) PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: setup setup-tests demo demo-real demo-report serve fast fast-torch fast-rest test thorough js real-model trainers faults-ci faults axe wheel try-wheel check bench bench-ui screenshots clean

# On a terminal, pip draws bars while it downloads and (since 25.1) while it unpacks. Elsewhere a line every ten seconds
# shows that it continues; the watcher ends with the shell that started it.
WATCH := test -t 1 || { \
	{ while sleep 10 >/dev/null 2>&1 && kill -0 $$$$ 2>/dev/null; do echo "  still installing: $$(du -sh $(VENV) | cut -f1) so far"; done; } & \
	trap "kill $$! 2>/dev/null" EXIT; };

# What the program needs.
setup: $(PROGRAM)

$(PROGRAM): pyproject.toml requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
		{ echo "LoBaSS needs Python 3.11 or newer; $(PYTHON) is older. Run: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Installing LoBaSS into $(VENV) (only the first time): about two minutes, 0.4 GB to download (several GB more with torch for CUDA)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(WATCH) $(BIN)/python -m pip install -e .
	@touch $(PROGRAM)

# What the tests and checks also need.
setup-tests: $(TESTS)

$(TESTS): $(PROGRAM)
	@$(WATCH) $(BIN)/python -m pip install -e ".[test]"
	touch $(TESTS)

demo: setup
	$(BIN)/lobass demo $(DEMO) --port $(PORT)

# The demo's data with a real pretrained model, downloaded once; about half an hour on two cores.
demo-real: setup
	$(BIN)/lobass demo --real $(DEMO)-real --port $(PORT)

# The demo's own experiment, about two minutes on one core; its report goes to docs/validation/demo.
REPORT_ARMS := base,full,learnability,random,length-matched,longest,shortest,bottom
demo-report: setup
	$(BIN)/lobass demo $(DEMO) --no-serve
	$(BIN)/lobass validate --project $(DEMO) --arms $(REPORT_ARMS) --selections demo --budgets 0.167 --held-out 60 \
		--method full --epochs 2 --lr 2e-3
	$(BIN)/lobass validate --project $(DEMO) --report latest --to docs/validation/demo

serve: setup
	$(BIN)/lobass serve --project $(DEMO) --port $(PORT)

check: setup-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

# The quick tests of the rooms, in under a minute: what a change should pass before each commit. Journeys over a project, a
# page or a process are left to `make test`. Two processes side by side, so that one alone pays for the import of torch.
JOURNEYS := browser cli faults pages real_model serving trainers worker workflows
WITH_TORCH := benchmarks invariants rendering scoring training validation
QUICKLY := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow and not thorough and not real_model"
fast: setup-tests
	@$(MAKE) --no-print-directory -k -j 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) fast-torch fast-rest

fast-torch:
	$(QUICKLY) $(WITH_TORCH:%=tests/%)

fast-rest:
	$(QUICKLY) $(JOURNEYS:%=--ignore=tests/%) $(WITH_TORCH:%=--ignore=tests/%)

test: setup-tests
	$(PYTEST) -m "not thorough and not real_model and not trainers and not faults and not wheel"

# What `make test` leaves out for its length: the whole demo, a first day in a browser, and every cell of what is tried
# once there. In the browser as people have it, which costs a page half as much again.
thorough: setup-tests
	export LOBASS_CHROMIUM=$$(command -v chromium || true); $(PYTEST) -m thorough tests/browser tests/workflows tests/worker tests/exporting tests/benchmarks

# The JavaScript under pages/: format, lint, and types component by component. The tools come from npm and are pinned in
# package-lock.json; nothing else needs them. `node_modules/.bin/biome format --write` puts a file right.
NODE := node_modules/.installed
js: $(NODE)
	node_modules/.bin/biome ci
	@for types in $$(ls tests/javascript/*.json | grep -v base.json); do \
		echo "tsc -p $$types"; node_modules/.bin/tsc -p $$types || exit 1; done

$(NODE): package.json package-lock.json
	@command -v npm >/dev/null 2>&1 || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then apt-get update -qq && apt-get install -y -qq nodejs npm; \
		else echo "make js needs node and npm: install them, on Debian with apt-get install nodejs npm"; exit 1; fi; }
	npm ci --no-audit --no-fund
	touch $(NODE)

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

# Kills, full disks, damaged files, two of everything at once. Writes the tables in docs/reliability.md.
KILLS ?= 200
MINUTES ?= 10
FAULTS := OMP_NUM_THREADS=1 LOBASS_FAULT_RECORDS=build/faults/records.jsonl $(BIN)/python -m

# What `make test` leaves out, once; the two ways to draw each fault take turns by the day.
faults-ci: setup-tests
	LOBASS_FAULT_TURN=$$(($$(date +%s) / 86400 % 2)) OMP_NUM_THREADS=1 \
		$(BIN)/python -m pytest -m faults tests/faults/test_kills.py tests/faults/test_other_faults.py

# Continues where it stopped; `rm -r build/faults` starts over.
faults: setup-tests
	LOBASS_FAULT_KILLS=$(KILLS) $(FAULTS) pytest tests/faults
	$(FAULTS) tests.faults.load --minutes $(MINUTES) --json build/faults/load.json
	$(FAULTS) tests.faults.report

# axe-core on every page, filled and empty, in both themes, two widths and two zooms: the table in docs/pages.md.
axe: setup-tests
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.accessibility.matrix

# The source archive and the wheel that is built from it: build/dist/lobass-*.whl.
wheel: setup-tests
	rm -rf build/dist
	$(BIN)/python -m build --outdir build/dist

# The wheel in an empty environment outside of this folder: `lobass demo --small`, then `lobass serve` in a browser.
try-wheel: wheel
	$(BIN)/python -m pytest -m wheel tests/browser/test_wheel.py

bench: setup-tests
	$(BIN)/python benchmarks/scoring.py
	$(BIN)/python benchmarks/training.py

bench-ui: setup-tests
	$(BIN)/python benchmarks/dashboard.py

screenshots: setup-tests
	$(BIN)/python docs/screenshots.py

clean:
	rm -rf $(VENV) .trainers node_modules $(DEMO) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
