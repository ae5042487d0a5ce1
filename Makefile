# What CI runs, under the names that people use. Everything works in the virtual environment of README's test command.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

QUICK = tests/session tests/procedure tests/documents tests/logbook tests/record tests/test_cli.py tests/test_docs.py \
        tests/test_layers.py

.PHONY: help check lint test soak hunt bench bench-peers screenshots docs newest

help:  ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

check: lint  ## lint, types, import contracts and the quick tests: under two minutes, as an ordinary user
	python -m pytest -q $(QUICK)

lint:  ## ruff, mypy, import contracts, dead code, our own procedures and layouts
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	vulture
	quarterdeck lint procedures layouts

test:  ## the whole suite, as the README runs it
	python -m pytest

soak:  ## long fault and endurance runs
	python -m pytest -m soak -n 2 -p no:randomly --timeout 1200 -rP

hunt:  ## draw new examples for properties and soak, many of them; keep what fails as a test
	python -m pytest -q --hypothesis-profile=hunt $$(grep -rl --include='test_*.py' '^from hypothesis' tests)
	QUARTERDECK_SEED=$$(date +%s) $(MAKE) soak

bench:  ## the measurements, beside their references
	python -m tests.bench

PEERS = glances toolong harlequin dolphie

bench-peers:  ## install what others made, each in an environment of its own, to measure beside it (btop: from Debian)
	@set -e; for peer in $(PEERS); do \
	  python -m venv .bench-peers/$$peer; .bench-peers/$$peer/bin/pip install -q --disable-pip-version-check $$peer; done

screenshots:  ## draw the pictures again; look at each before you commit it
	QUARTERDECK_REDRAW=1 python -m pytest -q -n 0 tests/console/test_screenshots.py

docs:  ## write the generated pages of docs/ again
	QUARTERDECK_REDRAW=1 python -m pytest -q -n 0 tests/test_docs.py tests/procedure/test_reference.py

newest:  ## the console's tests on the newest Textual of the range, and what differs
	@set -e; venv=$$(mktemp -d); trap 'rm -rf "$$venv"' EXIT; \
	python -m venv "$$venv"; \
	range=$$(sed -n 's/^ *"\(textual[<>=][^"]*\)".*/\1/p' pyproject.toml); \
	"$$venv/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'; \
	"$$venv/bin/pip" install --quiet --disable-pip-version-check --upgrade "$$range"; \
	echo "tested:  $$(grep -i '^textual==' constraints.txt)"; \
	echo "newest:  textual==$$("$$venv/bin/python" -c 'from importlib.metadata import version; print(version("textual"))')"; \
	"$$venv/bin/python" -c 'from quarterdeck.console.terminal import missing; \
	print("missing:", "; ".join(missing) or "nothing: every private name that we use is there")'; \
	"$$venv/bin/python" -m pytest tests/console -q -n 1
