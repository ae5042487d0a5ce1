PYTHON ?= python3

# The console's tests on the newest Textual of our range, in a venv that is thrown away; says what differs from the
# tested one: the version, private names that are missing there, and tests that fail.
.PHONY: newest
newest:
	@set -e; venv=$$(mktemp -d); trap 'rm -rf "$$venv"' EXIT; \
	$(PYTHON) -m venv "$$venv"; \
	range=$$(sed -n 's/^ *"\(textual[<>=][^"]*\)".*/\1/p' pyproject.toml); \
	"$$venv/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'; \
	"$$venv/bin/pip" install --quiet --disable-pip-version-check --upgrade "$$range"; \
	echo "tested:  $$(grep -i '^textual==' constraints.txt)"; \
	echo "newest:  textual==$$("$$venv/bin/python" -c 'from importlib.metadata import version; print(version("textual"))')"; \
	"$$venv/bin/python" -c 'from quarterdeck.console.terminal import missing; \
	print("missing:", "; ".join(missing) or "nothing: every private name that we use is there")'; \
	"$$venv/bin/python" -m pytest tests/console -q -n 1
