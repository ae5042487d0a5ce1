"""`python -m tests.bench [NAME…] [--quick] [--json]`: measure, print a table, exit 0 whatever it says.

Marks are no tests: a machine under load misses some. Each measurement is a module beside this one with
`rows(quick) -> list[Row]`; without a name all are taken, one after the other.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module

import msgspec
from tests.bench.measure import Row, table

NAMES = ("verbs", "startup", "keys", "halting", "append", "replay", "steady", "polling", "growth")


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure, side by side with others.")
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="few rounds: whether it works, not how fast")
    parser.add_argument("--json", action="store_true", help="for tools")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in NAMES]
    if unknown:
        parser.error(f"no measurement is called {unknown[0]!r}; there are {', '.join(NAMES)}")
    rows: list[Row] = []
    for name in asked.names or NAMES:
        begin = time.monotonic()
        found: list[Row] = import_module(f"tests.bench.{name}").rows(asked.quick)
        rows += found
        sys.stderr.write(f"{name}: {time.monotonic() - begin:.0f} s\n")
        if not asked.json:
            _say(table(found) + "\n")
    if asked.json:
        told = [{**msgspec.to_builtins(row), "ratio": row.ratio, "met": row.met} for row in rows]
        _say(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        missed = [row.what for row in rows if row.met is False]
        met = sum(row.met is True for row in rows)
        _say(f"{met} marks met, {len(missed)} not" + (f": {'; '.join(missed)}" if missed else ""))
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
