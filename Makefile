# make demo: environment, then the whole pipeline on the embedded default, ending in the report.
# make test: everything; what the tests need of Debian's packages, `make system` installs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := PATH="$(CURDIR)/$(BIN):$$PATH" "$(BIN)/python" -m pytest
# What runs Snakemake, a cluster or a browser wants the whole machine; the rest takes a core each.
WHOLE := workflow or slurm or browser or gpu or device
PARALLEL := --numprocesses auto --dist loadfile
export PYTHONPATH := $(CURDIR)/workflow

.PHONY: env system demo check test bench docs lock clean

env: $(VENV)/.installed

# The stamp is newer than the lock file, so an unchanged lock installs nothing.
$(VENV)/.installed: envs/requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Lacuna needs Python 3.11 or newer; set PYTHON=python3.x")'
	$(PYTHON) -m venv "$(VENV)"
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --require-virtualenv -r envs/requirements.lock
	touch "$@"

system:
	workflow/scripts/install_system_packages

demo: env
	PATH="$(CURDIR)/$(BIN):$$PATH" workflow/scripts/demo

check: env
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/snakefmt" --check Snakefile workflow/rules
	"$(BIN)/mypy"
	PATH="$(CURDIR)/$(BIN):$$PATH" workflow/scripts/lint
	$(PYTEST) $(PARALLEL) -m "not (golden or $(WHOLE))" --durations=5

test: system check
	$(PYTEST) $(PARALLEL) -m "golden and not ($(WHOLE))" --durations=5
	$(PYTEST) -m "$(WHOLE)" --durations=20

bench: env
	PATH="$(CURDIR)/$(BIN):$$PATH" "$(BIN)/python" -m benchmarks

# Written from what they are about: the models of the configuration, file formats, and columns of the metrics.
docs: env
	"$(BIN)/python" -m lacuna.config.documentation page > docs/configuration.md
	"$(BIN)/python" -m lacuna.config.documentation schema > workflow/schemas/config.schema.json
	"$(BIN)/python" -m lacuna.report.formats > docs/formats.md
	"$(BIN)/python" -m lacuna.metrics.documentation > docs/numbers.md

# Pins what is installed now; torch's own CUDA packages follow from torch and differ between machines.
lock:
	"$(BIN)/python" -m pip freeze --exclude-editable | grep -Ev '^(nvidia|triton|cuda)' | sed 's/+cpu$$//' > envs/requirements.lock

clean:
	rm -rf results .snakemake
