"""`python -m tests.bench [ROW…] [--json] [--quick]`: measure, beside others; exit 1 where a mark is missed.

Each module beside this one that measures has its `MEASUREMENTS`. A row is asked for by its name, all of a module by
that of the module; without a name all are taken but the long ones.
"""

from __future__ import annotations

import argparse
import compileall
import sys
import time
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

import msgspec
from tests.bench.measure import Measurement, Row, table

import quarterdeck

GROUPS = (
    "verbs",
    "startup",
    "keys",
    "halting",
    "append",
    "replay",
    "million",
    "steady",
    "polling",
    "export",
    "growth",
    "many_steps",
    "peers",
)


def main() -> int:
    """Measure what was asked for: 0 where no mark was missed, 1 where one was, or is not known."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure, side by side with others.")
    parser.add_argument(
        "rows", metavar="ROW", nargs="*", help="a row or a group of them (default: all but long ones)"
    )
    parser.add_argument("--quick", action="store_true", help="few rounds: whether it works, not how fast")
    parser.add_argument("--json", action="store_true", help="for tools")
    parser.add_argument("--list", action="store_true", help="the names of all rows")
    asked = parser.parse_args()
    groups = {name: _measurements(name) for name in GROUPS}
    if asked.list:
        for name, found in groups.items():
            _say("\n".join(f"{name}: {row}{' (long)' if each.long else ''}" for each in found for row in each.rows))
        return 0
    known = {*groups, *(row for found in groups.values() for each in found for row in each.rows)}
    for name in asked.rows:
        if name not in known:
            near = " or ".join(get_close_matches(name, known, 3))
            parser.error(f"no row is called {name!r}{f' (meant: {near}?)' if near else ''}; --list names them all")
    _compile()
    rows = [row for name, found in groups.items() for each in found for row in _take(name, each, asked)]
    if asked.json:
        _say(msgspec.json.format(msgspec.json.encode([row.told() for row in rows])).decode())
    else:
        met = sum(row.met is True for row in rows)
        missed = [row.row for row in rows if row.met is False]
        unknown = [row.row for row in rows if row.mark is not None and row.met is None]
        _say(f"{met} marks met, {len(missed)} missed" + _names(missed))
        if unknown:
            _say(f"{len(unknown)} not known{_names(unknown)}")
    return 1 if any(row.mark is not None and not row.met for row in rows) else 0


def _measurements(group: str) -> tuple[Measurement, ...]:
    found: tuple[Measurement, ...] = import_module(f"tests.bench.{group}").MEASUREMENTS
    return found


def _take(group: str, each: Measurement, asked: argparse.Namespace) -> list[Row]:
    """The rows of a measurement that were asked for."""
    wanted = (
        set(each.rows) if group in asked.rows or not (asked.rows or each.long) else set(each.rows) & {*asked.rows}
    )
    if not wanted:
        return []
    begin = time.monotonic()
    rows = each.take(asked.quick)
    assert tuple(row.row for row in rows) == each.rows, f"{group} yields other rows than it names"
    sys.stderr.write(f"{group}, {', '.join(sorted(wanted)[:3])}: {time.monotonic() - begin:.0f} s\n")
    found = [row for row in rows if row.row in wanted]
    if not asked.json:
        _say(table(found) + "\n")
    return found


def _compile() -> None:
    """All sources first, or the first start would pay for it."""
    for folder in (Path(quarterdeck.__file__).parent, Path(__file__).parent):
        compileall.compile_dir(folder, quiet=2)


def _names(rows: Sequence[str]) -> str:
    return f": {', '.join(rows)}" if rows else ""


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
