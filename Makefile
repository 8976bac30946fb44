# Needs make and Python 3.11 or newer (with venv and pip). Each target makes `.venv` first, if it is not there
# or if requirements.lock or pyproject.toml have changed. `make PYTHON=/path/to/python3.12 demo` picks another.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.trunkline-installed
# Bytecode is written at first import: compiling all of it first would take as long as the installation.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install -qq --progress-bar off --no-compile

# Where the machine forbids bytecode, each process that a test or proof starts compiles all sources anew, for two to
# three seconds of one of the cores on which it is judged. Empty: it is allowed.
export PYTHONDONTWRITEBYTECODE :=

# Tried in this order; the first that is 3.11 or newer is taken.
PYTHONS := $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3 python

.DEFAULT_GOAL := help
.PHONY: help demo run test bench lint types lock captures shots prove-pipeline prove-conversation prove-sequencer prove-mutants \
	prove-heard prove-first-second prove-openings prove-context prove-memory prove-operations prove-ownership prove-silence \
	prove-hostile prove-surge prove-queues simulate chaos chaos-full chaos-redis soak prove-guards prove-roll clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "make %-19s %s\n", $$1, $$2 }'

demo: $(STAMP) ## one simulated call through the whole pipeline, shown live (ARGS="--language he")
	@$(BIN)/python -m console demo $(ARGS)

run: $(STAMP) ## the whole stack in the foreground until Ctrl-C, and what to do with it
	@$(BIN)/python -m console run $(ARGS)

# Whole calls pass in real time and share two cores with nobody but each other: they run after all else.
# Of what failed beside others up to three are asked again by themselves, and named (tests/support/again.py).
test: $(STAMP) ## the tests (ARGS="-k outbox")
	$(BIN)/python -m tests.support.again -m "not stack" -n 3 --dist loadgroup $(ARGS)
	$(BIN)/python -m tests.support.again -m "stack and not alone" -n 2 --dist loadgroup $(ARGS)
	$(BIN)/python -m tests.support.again -m alone $(ARGS)

lint: $(STAMP) ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(STAMP) ## mypy --strict
	$(BIN)/mypy

prove-pipeline: $(STAMP) ## the benchmark against a single-process bridge
	@$(BIN)/python -m proofs.prove.pipeline $(ARGS)

# Alone on the machine. Peers from PyPI get environments of their own below .build/bench/venvs, at first use.
bench: $(STAMP) ## calls at once against this or any server, and against others (ARGS="--compare --runs 5")
	@$(BIN)/python -m proofs.bench $(ARGS)

prove-queues: $(STAMP) ## XLEN of the queues over twenty healthy calls of a minute
	@$(BIN)/python -m proofs.prove.queues $(ARGS)

prove-first-second: $(STAMP) ## webhook to the first sound, with sessions opened early and without (3 min)
	@$(BIN)/python -m proofs.prove.openings.first_second $(ARGS)

prove-context: $(STAMP) ## a hundred calls whose callers are asked about, of a good system and of all bad ones (1 min)
	@$(BIN)/python -m proofs.prove.openings.context $(ARGS)

prove-openings: $(STAMP) ## ten calls a second begin beside fifty that talk: late loops, long steps (3 min)
	@$(BIN)/python -m proofs.prove.openings.beside $(ARGS)

prove-memory: $(STAMP) ## memory with no call, of a call, and after ten thousand short ones (17 min)
	@$(BIN)/python -m proofs.prove.openings.short_calls $(ARGS)

prove-conversation: $(STAMP) ## 520 simulated conversations under faults: nothing stale, nothing lost (by estimate 16 min)
	@$(BIN)/python -m proofs.prove.conversation $(ARGS)

prove-sequencer: $(STAMP) ## every state of the sequencer to depth 6, and thousands of random histories
	@$(BIN)/python -m proofs.prove.sequencer $(ARGS)

prove-ownership: $(STAMP) ## who has a call: every history of some steps and faults (5 min; ARGS="--depth 12")
	@$(BIN)/python -m proofs.prove.states.ownership $(ARGS)

prove-heard: $(STAMP) ## what the model is told of a caller's ear over networks of 0 to 150 ms each way (6 min)
	@$(BIN)/python -m proofs.prove.listening.heard $(ARGS)

prove-operations: $(STAMP) ## faults on purpose: does the verdict name the right one, soon, once? (4 min)
	@$(BIN)/python -m proofs.prove.operations $(ARGS)

prove-silence: $(STAMP) ## every kind of silence on live calls, judged at the ear (15 min; ARGS="--list")
	@$(BIN)/python -m proofs.prove.silence $(ARGS)

prove-hostile: $(STAMP) ## attacks of every kind beside clean calls; a million messages parsed (by estimate 28 min; ARGS="--minutes 2")
	@$(BIN)/python -m proofs.prove.hostile $(ARGS)

prove-surge: $(STAMP) ## 200 calls a second are refused in words beside 20 live ones (3 min; ARGS="--seconds 10")
	@$(BIN)/python -m proofs.prove.openings.surge $(ARGS)

SEED ?= 1
SEEDS ?= 1
simulate: $(STAMP) ## fault histories on virtual time, from one seed or many (SEED=7, SEEDS=500, ARGS="--show")
	@$(BIN)/python -m proofs.simulate --seed $(SEED) --seeds $(SEEDS) $(ARGS)

chaos: $(STAMP) ## processes killed and stopped under live calls, judged at the ear (8 min)
	@$(BIN)/python -m proofs.prove.chaos $(ARGS)

prove-roll: $(STAMP) ## 50 live calls under trunkline roll of everything, three times, and restarts of each group (8 min)
	@$(BIN)/python -m proofs.prove.chaos --full --calls 50 --times 3 --only healthy-model --only rolled-all --keep .build/roll $(ARGS)
	@$(BIN)/python -m proofs.prove.chaos --full --calls 50 --only healthy-model --only restarted --keep .build/roll $(ARGS)

chaos-full: $(STAMP) ## the same at every step of a call, ten calls a process, and deploys (1 h; ARGS="--list")
	@$(BIN)/python -m proofs.prove.chaos --full $(ARGS)

soak: $(STAMP) ## faults of every kind, drawn by a seed, for 20 min on one stack (23 min by estimate; ARGS="--soak-s 120 --seed 2")
	@$(BIN)/python -m proofs.prove.chaos.soak $(ARGS)

# Alone on the machine. Rows of Redis 7 want redis-server, those of a clock libfaketime, those of a second host root.
chaos-redis: $(STAMP) ## Redis as one server, with Sentinels and as a Cluster, hit under 50 calls (30 min asked; ARGS="--list")
	@$(BIN)/python -m proofs.prove.chaos --redis $(ARGS)

prove-guards: $(STAMP) ## each guard of a call that changes hands switched off: the row that must fail then
	@$(BIN)/python -m proofs.prove.chaos --guards $(ARGS)

# Not in the lock: nothing else needs it.
prove-mutants: $(STAMP) ## what the tests say to wrong code in sequencer, ledger, pacer and the account of owed sound (10 min)
	@$(PIP) 'mutmut==3.8.1'
	@$(BIN)/python -m proofs.prove.mutants $(ARGS)

captures: $(STAMP) ## the screens of docs/console.md anew (needs tmux)
	@$(BIN)/python -m proofs.pages.captures

shots: $(STAMP) ## the pictures of the web console in docs/ anew (needs chromium)
	@$(BIN)/python -m proofs.pages.shots

lock: ## makes requirements.lock anew from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "make lock: expected uv on the PATH, found none; install it: pip install uv" >&2; exit 1; }
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --extra demo --extra dev pyproject.toml -o requirements.lock

clean: ## removes .venv, runs, caches and demo output
	rm -rf $(VENV) .build demo-output try-output .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml
	@found=; \
	for name in $(PYTHONS); do \
		if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$name"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "make: expected Python 3.11 or newer, found none of: $(strip $(PYTHONS))." >&2; \
		echo "make: install one (Debian, Ubuntu: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python" >&2; \
		exit 1; \
	fi; \
	if [ ! -x $(BIN)/python ] && ! "$$found" -m venv $(VENV) >&2; then \
		rm -rf $(VENV); \
		echo "make: $$found could not make a virtual environment; Debian and Ubuntu: apt-get install python3-venv" >&2; \
		exit 1; \
	fi
	@echo "make: setting up $(VENV) from requirements.lock (once; a minute or so)"
	@# pip keeps one core busy with package indexes: two of them, each with half of the lock, take half the time.
	@# The lock is complete and pins every file, so neither needs to know what the other installs.
	@mkdir -p .build && awk '/^[A-Za-z0-9]/ { n++ } { print > ".build/lock-" (n % 2) ".txt" }' requirements.lock
	@$(PIP) --no-deps --require-hashes -r .build/lock-0.txt & other=$$!; \
		$(PIP) --no-deps --require-hashes -r .build/lock-1.txt && wait $$other
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@
