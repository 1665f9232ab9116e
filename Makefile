# One word for each thing to do. `make` alone lists them.
# The environment is built from the hashed lock at first use, and again when the lock changes.

PYTHON ?= python3
ENV := .venv
BUILT := $(ENV)/built
RUN := $(ENV)/bin/python
CHECKED := services shared tests benchmarks

# Tests start hundreds of processes: where bytecode may not be kept, each would compile the house again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo test test-compose check bench load soak lock messages vendor clean $(ENV)

help: ## list what can be done
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

run: $(BUILT) ## start the house and serve it; Ctrl-C stops it
	@$(RUN) -m services run

demo: $(BUILT) ## play the year 2008 and print its review (SERVE=1 keeps the house up)
	@$(RUN) -m services demo

# Three on two processors: much of their time is waiting, for a server to die or a clock to pass. Four take longer.
test: $(BUILT) ## run the tests, three at a time
	@$(RUN) -m pytest -n 3 --dist worksteal

test-compose: $(BUILT) ## bring compose.yaml up with podman, use it, hurt it, take it down (5 minutes; as root)
	@$(RUN) -m pytest -m compose tests/compose

check: $(BUILT) ## lint, format, types, architecture
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy $(CHECKED)
	$(RUN) -m pytest -q tests/test_architecture.py

load: $(BUILT) ## a decade of a hundred sites through the API, then each figure counted again (a quarter of an hour)
	@$(RUN) -m benchmarks.decade

soak: $(BUILT) ## strike the house in every way for an hour, and print what was lost: nothing (MINUTES=5 for less)
	@MINUTES=$(MINUTES) $(RUN) -m tests.soak

bench: $(BUILT) ## measure the house beside its limits
	@$(RUN) -m benchmarks

LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links --quiet

lock: ## write both locks anew from pyproject.toml (needs uv; UPGRADE=1 takes the newest)
	$(LOCK) --extra dev $(if $(UPGRADE),--upgrade) --output-file requirements.txt
	$(LOCK) --constraint requirements.txt --no-annotate --output-file requirements-run.txt

messages: $(BUILT) ## bring the pages' English up to date with their French, and list what is missing
	@$(RUN) -m shared.web.pages.messages

vendor: $(BUILT) ## fetch the pages' styles and scripts again, as vendored.toml pins them (needs npm)
	@$(RUN) -m shared.web.pages.vendoring

clean: ## remove the environment and every cache; the house's data stay
	rm -rf $(ENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist benchmarks/latest.json
	find services shared tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(ENV): $(BUILT)

# The stamp is the last thing made: an interrupted build is done again, from the beginning.
$(BUILT): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; say where it is: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Building the environment in $(ENV), once; this takes about a minute."
	@$(PYTHON) -m venv --clear $(ENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $(BUILT)
