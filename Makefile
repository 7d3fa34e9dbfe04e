VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready

.PHONY: run test bench pictures format clean

run: $(READY)  ## the main job: twelve models in one stack
	$(PYTHON) train.py -m activation=relu,gelu,solu sparsity=0,0.5,0.9,0.99

test: $(READY)  ## style, types, tests
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/basedpyright
	$(PYTHON) -m pytest

bench: $(READY)  ## the benchmarks, minutes each
	$(PYTHON) benchmarks/speed.py
	$(PYTHON) benchmarks/sweep.py

pictures: $(READY)  ## the picture in the README
	$(PYTHON) docs/pictures.py

format: $(READY)
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

clean:
	rm -rf $(VENV) *.egg-info

# Set up anew whenever what is to be installed changes.
$(READY): pyproject.toml constraints.txt
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed")'
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
