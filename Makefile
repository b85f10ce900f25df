# `make demo` and `make test` set up .venv by themselves; both need nothing but Python 3.11+ and make.
# TORCH_INDEX, empty by default, names PyTorch's own CPU index (see README) where pip would fetch a CUDA build.
PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
EXTRA := $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX),)
STUDENTS ?= 24
OUT ?= runs/demo

.PHONY: help demo test test-fast coverage lint setup clean
.DEFAULT_GOAL := help

help:
	@echo "make setup  the program alone: $(BIN)/autograder"
	@echo "make demo   a made-up class of $(STUDENTS), graded end to end into $(OUT)"
	@echo "make test   lint, types and every test"
	@echo "make test-fast  the tests that start no sandbox and do not compute for long"
	@echo "make lint   ruff and mypy alone"
	@echo "make coverage   every test, and which lines none ran (slower)"

# torch comes first and alone, so that the wheel meant for this machine is taken before anything else asks for it
$(VENV)/.torch: constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(EXTRA) -c constraints.txt torch
	@touch $@

$(VENV)/.ready: $(VENV)/.torch pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[grader]'
	@touch $@

$(VENV)/.developer: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[grader,author,canvas,dev]'
	@touch $@

setup: $(VENV)/.ready

demo: $(VENV)/.ready
	$(BIN)/autograder demo --students $(STUDENTS) --out $(OUT)

lint: $(VENV)/.developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-fast: $(VENV)/.developer
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --fast

coverage: $(VENV)/.developer
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered

clean:
	rm -rf $(VENV) runs .pytest_cache .ruff_cache .mypy_cache .hypothesis
