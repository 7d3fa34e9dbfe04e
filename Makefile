VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready
DEV := $(VENV)/.ready-dev

# A Python to set up .venv with: make test SYSTEM_PYTHON=python3.13
SYSTEM_PYTHON := python3

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test coverage test-slow mutate soak soak-quick article article-quick bench docs gallery notebooks pictures format clean

help:  ## these lines
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## */\t/' | expand -t 14 | sed 's/^/make /'

run: $(READY)  ## the main job: twelve models in one stack
	$(PYTHON) train.py -m activation=relu,gelu,solu sparsity=0,0.5,0.9,0.99

test: $(DEV)  ## style, types, tests
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/basedpyright
	$(PYTHON) -m pytest

coverage: $(DEV)  ## what of the code the tests reach, in all processes; half as long again
	$(PYTHON) -m pytest --cov

test-slow: $(DEV)  ## a sweep of 24 jobs killed twenty times, and the like; minutes
	$(PYTHON) -m pytest -m slow -s

mutate: $(DEV)  ## the science broken on purpose in 700 places: tests must notice; minutes
	@$(SYSTEM_PYTHON) -m sup.system.installing $(VENV) mutate
	$(PYTHON) tests/mutants.py

soak: $(READY)  ## a million steps, two thousand jobs: memory, handles and speed stay flat; a quarter of an hour
	$(PYTHON) benchmarks/soak.py

soak-quick: $(READY)  ## the same in minutes: 500,000 steps, 1,000 jobs
	$(PYTHON) benchmarks/soak.py --quick

article: $(READY)  ## every figure of the article, in one report; start it again to go on
	$(PYTHON) -m sup.article

article-quick: $(READY)  ## the same on coarser grids, in minutes
	$(PYTHON) -m sup.article --quick

bench: $(READY)  ## the benchmarks, minutes each
	@$(SYSTEM_PYTHON) -m sup.system.installing $(VENV) bench
	$(PYTHON) benchmarks/speed.py
	$(PYTHON) benchmarks/growth.py
	$(PYTHON) benchmarks/time_to_figure.py
	$(PYTHON) benchmarks/whole.py
	$(PYTHON) benchmarks/sweep.py
	$(PYTHON) benchmarks/launch.py
	$(PYTHON) benchmarks/activations.py
	$(PYTHON) benchmarks/options.py

docs: $(DEV)  ## the site, docs/_build/html/index.html
	$(PYTHON) -m sup.config.describing > docs/reference/settings.md
	$(PYTHON) -m sphinx --quiet --fail-on-warning --keep-going docs docs/_build/html
	@echo "site: docs/_build/html/index.html"

gallery: $(READY)  ## docs/gallery.md, a figure for each experiment; minutes
	$(PYTHON) docs/gallery.py

notebooks: $(DEV)  ## the notebooks in examples/ executed, and what they show kept
	$(PYTHON) examples/execute.py

pictures: article  ## the pictures in the README
	$(PYTHON) docs/pictures.py

format: $(DEV)
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

clean:
	rm -rf $(VENV) *.egg-info

# Set up anew whenever what is to be installed changes: what training needs, or with it all that the
# tests need, which is twice as much.
define SET_UP
	$(SYSTEM_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed")'
	$(SYSTEM_PYTHON) -m sup.system.installing $(VENV)
endef

$(READY): pyproject.toml constraints.txt
	@$(SET_UP)
	@touch $@

$(DEV): pyproject.toml constraints.txt
	@$(SET_UP) dev
	@touch $(READY) $@
