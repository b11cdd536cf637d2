# Two commands: `make demo` shows a rollout on a lab of real nodes, `make test` runs every check.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin

.PHONY: demo test lint unit lab-test faults clean

demo: $(VENV)/.ready
	$(RUN)/python -m lab.demo

# The unit tests first, with their coverage, then everything else.
test: lint unit
	$(RUN)/pytest --ignore tests/unit

lint: $(VENV)/.ready
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports --no-cache
	$(RUN)/shfmt -ln posix -i 4 -ci -d node
	$(RUN)/python -m node | $(RUN)/shellcheck -s sh -

unit: $(VENV)/.ready
	$(RUN)/pytest tests/unit --cov=runbooks --cov=tasks --cov-fail-under=85

lab-test: $(VENV)/.ready
	$(RUN)/pytest tests/lab

# The whole fault matrix, and its table in the README; `make test` runs the essential cells.
faults: $(VENV)/.ready
	$(RUN)/pytest tests/faults --faults all --faults-workers 30 --faults-table README.md

# Debian and Ubuntu ship Python without venv; root gets it installed, others are told.
$(VENV)/.ready: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or later is needed"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -y -q python3-venv; } || \
		{ echo "install python3-venv first"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
