# `make run` and `make test` are all a newcomer needs: both install what they use first, the Python packages into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# Names of programs; Debian calls Alertmanager prometheus-alertmanager.
HAVE_STACK = command -v prometheus && command -v promtool && command -v amtool && \
             { command -v alertmanager || command -v prometheus-alertmanager; }
DEBIAN     = prometheus prometheus-alertmanager prometheus-node-exporter
HAVE_POSTGRES = command -v postgres || ls /usr/lib/postgresql/*/bin/postgres

# One more than there are cores: tests wait for real processes as often as they compute.
WORKERS = $$(( $$(getconf _NPROCESSORS_ONLN) + 1 ))

.DEFAULT_GOAL := help
.PHONY: help run test soak bench check generate golden clean tools postgresql

help:  ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run tools  ## Run the suite on this machine, beside a simulated agent platform; Ctrl-C stops all of it
	@$(BIN)/agent-obs up --demo

test: check tools postgresql  ## Everything CI runs: formatting, lint, types, all tests (at most 10 minutes)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q --ignore tests/soak

soak: $(VENV)/dev tools postgresql  ## The long fault and volume runs, with their full counts
	$(BIN)/python -m pytest tests/soak -q -s --timeout 3600
	AGENT_OBS_SOAK=1 $(BIN)/python -m pytest -n auto -q -m hypothesis --ignore tests/soak --timeout 3600

bench: $(VENV)/dev tools postgresql  ## One benchmark: make bench NAME=host
	@test -n "$(NAME)" || { echo "make bench NAME=…, one of:" $$(ls tests/bench | sed -n 's/^\([a-z].*\)\.py$$/\1/p'); exit 1; }
	@$(BIN)/python -m tests.bench.$(NAME)

check: $(VENV)/dev  ## Formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

generate: $(VENV)/dev  ## Write METRICS.md, the dashboards, the chart's files and the manifests again from their sources
	$(BIN)/agent-obs metrics --markdown > exporters/METRICS.md
	$(BIN)/python -m dashboards
	$(BIN)/python -m helm

golden: $(VENV)/dev  ## Write the tests' expected outputs again; read the diff before you commit it
	$(BIN)/python -m pytest -q -n auto tests -m golden --golden

clean:  ## Remove what make made
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "No venv module: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }

$(VENV)/run: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	@touch $@

$(VENV)/dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/run

# Debian starts services when it installs them; the suite starts its own, and two would fight for the ports.
tools:
	@if { $(HAVE_STACK); } >/dev/null 2>&1; then exit 0; fi; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(DEBIAN) >/dev/null && \
	  { systemctl disable --now $(DEBIAN) >/dev/null 2>&1 || true; }; \
	else \
	  echo "Prometheus and Alertmanager are needed, with promtool and amtool:"; \
	  echo "  Debian, Ubuntu  sudo apt-get install prometheus prometheus-alertmanager"; \
	  echo "  macOS           brew install prometheus alertmanager"; \
	  echo "  elsewhere       https://prometheus.io/download/, unpacked onto PATH"; \
	  exit 1; \
	fi

# Only tests need it, and they start a server of their own; without one, what needs it is skipped and says so.
postgresql:
	@if { $(HAVE_POSTGRES); } >/dev/null 2>&1 || ! command -v apt-get >/dev/null || [ "$$(id -u)" != 0 ]; then exit 0; fi; \
	mkdir -p /etc/postgresql-common; \
	[ -e /etc/postgresql-common/createcluster.conf ] || \
	  echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf; \
	apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	  -o Dpkg::Options::=--force-confold postgresql >/dev/null || echo "PostgreSQL could not be installed; its tests are skipped"
