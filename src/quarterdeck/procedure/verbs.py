"""The verbs `lint`, `schema` and `show`: each takes parsed arguments and returns an exit code.

They import little: `lint` of one file has a start-up mark (performance.md).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import json

from quarterdeck.documents.nodes import Mapping as MappingNode
from quarterdeck.documents.nodes import Node, Scalar
from quarterdeck.documents.problems import Problem, UnreadableError, errors_of, in_order, quote
from quarterdeck.documents.schema import Context
from quarterdeck.documents.strict_yaml import compose, read_text
from quarterdeck.errors import DocumentError, UsageError

if TYPE_CHECKING:
    import argparse

    from quarterdeck.procedure.rules.base import Machine

__all__ = ["lint", "parameters", "schema", "show"]

Reader = Callable[[Node, Context], None]
"""Reads a document of another kind (a layout, settings, a site file) and says its problems."""

OTHER_KINDS = ("quarterdeck-site", "quarterdeck-settings", "quarterdeck-layout")


def lint(arguments: argparse.Namespace, readers: Mapping[str, Reader] | None = None) -> int:
    """Check every path (`paths`; folders: all YAML below) and print what is wrong; 1 when an error was found.

    `readers` judges the documents that are no procedures, by their first key (`quarterdeck-layout`).
    """
    with _no_collector():
        problems = [problem for path in _files(arguments.paths) for problem in _lint_file(path, readers or {})]
    if arguments.json:
        _write(json.format(json.encode(problems), indent=2).decode() + "\n")
    else:
        _write("".join(f"{problem}\n" for problem in problems))
        if not problems:
            print("no problems", file=sys.stderr)
    return 1 if errors_of(problems) else 0


@contextmanager
def _no_collector() -> Iterator[None]:
    """Keep the garbage collector from walking over a document's nodes again and again: none of them is garbage."""
    import gc

    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _files(paths: Iterable[str]) -> list[str]:
    found: list[str] = []
    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 - pathlib costs a tenth of the start-up mark
            found.append(path)
            continue
        from pathlib import Path

        below = sorted(file for suffix in ("*.yaml", "*.yml") for file in Path(path).rglob(suffix) if file.is_file())
        if not below:
            raise UsageError("there is no *.yaml file in this folder", where=path)
        found += map(str, below)
    return found


def _lint_file(path: str, readers: Mapping[str, Reader]) -> list[Problem]:
    """Return the problems of one file, whatever kind of document it is."""
    from quarterdeck.procedure.check import judged

    problems: list[Problem] = []
    try:
        text = read_text(path)
    except UnreadableError as error:
        return [error.problem]
    root = compose(text, path, problems)
    if root is None:
        return problems
    kind = _other_kind(root)
    if kind is None:
        return list(judged(root, Context(path, problems), machine=_this_machine).problems)
    context = Context(path, problems)
    _lint_other(root, kind, context, readers)
    return list(in_order(problems))


def _this_machine() -> Machine:
    """Import what knows the machine only where a rule asks."""
    from quarterdeck.host import ThisMachine

    return ThisMachine()


def _other_kind(root: Node) -> str | None:
    if not isinstance(root, MappingNode):
        return None
    return next((key for key in OTHER_KINDS if key in root.entries), None)


def _lint_other(root: Node, kind: str, context: Context, readers: Mapping[str, Reader]) -> None:
    assert isinstance(root, MappingNode)
    version = root.entries[kind][1]
    if not isinstance(version, Scalar) or version.text != "1":
        context.error(version, f"this program reads `{kind}: 1`")
    elif kind in readers:
        readers[kind](root, context)
    else:
        context.warning(root, f"only the YAML of a {quote(kind)} document is checked here, not its fields")


def schema(arguments: argparse.Namespace) -> int:
    """Print the JSON Schema of the procedure format."""
    from quarterdeck.procedure.format import json_schema

    del arguments
    _write(json.format(json.encode(json_schema()), indent=2).decode() + "\n")
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Print a procedure (`procedure`: path or shipped id) for paper, with `param` values; Markdown with `md`."""
    from quarterdeck.procedure.check import parse
    from quarterdeck.procedure.library import find_procedure
    from quarterdeck.procedure.paper import on_paper

    path = find_procedure(arguments.procedure)
    loaded = parse(read_text(path), path=str(path), params=parameters(arguments.param or ()), demand=False)
    if loaded.procedure is None:
        raise DocumentError(
            "the procedure has errors",
            where=str(path),
            problems=tuple(str(problem) for problem in loaded.problems),
            hint="`quarterdeck lint` shows them alone",
        )
    _write(on_paper(loaded.procedure, as_markdown=arguments.md))
    return 0


def parameters(pairs: Iterable[str]) -> dict[str, str]:
    """Read `--param name=value` pairs; raises `UsageError`."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"{quote(pair)} is no parameter; write --param name=value")
        if name in values:
            raise UsageError(f"the parameter {quote(name)} is given twice")
        values[name] = value
    return values


def _write(text: str) -> None:
    """Write to standard output, whatever it can encode."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
