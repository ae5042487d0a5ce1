"""The strict YAML reader: from a file to a tree with positions, or to one clear problem, in under a second.

It refuses what makes YAML dangerous or surprising: files over a size, more values or more depth than a
document of ours can have, anchors and aliases (the alias bomb), tags, duplicate keys, several documents,
control and direction-changing characters. It types nothing. `schema` and everybody who takes a person's
YAML call it; it never runs a constructor of PyYAML.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

import yaml
from msgspec import Struct

from quarterdeck.documents.nodes import Mapping, Node, Scalar, Sequence
from quarterdeck.documents.problems import Problem, UnreadableError, document_error, quote
from quarterdeck.regular_files import read_regular

if TYPE_CHECKING:
    from pathlib import Path  # `lint` has a start-up mark, and pathlib is a tenth of what it may cost

__all__ = ["Limits", "compose", "read_text", "read_tree"]


class Limits(Struct, frozen=True):
    """How much a document may hold; the defaults are ten times what the largest real procedure needs."""

    size: int = 1024 * 1024
    """Bytes."""
    depth: int = 50
    values: int = 60_000
    """Scalars, lists and mappings together."""
    steps: int = 500


DEFAULT_LIMITS = Limits()

_FORBIDDEN = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]|[\\u2028-\\u202e]|[\\u2066-\\u2069]"
    "|[\\ud800-\\udfff]|[\\ufeff\\ufffe\\uffff]"
)
"""C0 and C1 controls, line breaks that only YAML knows, direction overrides, surrogates, a BOM inside."""

_UNCLOSED = (
    "a list or mapping in brackets needs `,` here, or its closing bracket; put a text that holds brackets in quotes"
)
_PLAIN_WORDS = (
    ("cannot start any token", "a character that cannot stand here; put a text with it, or with brackets, in quotes"),
    ("mapping values are not allowed", "`: ` cannot stand here; put a text that holds it in quotes"),
    ("could not find expected ':'", "a key needs `:` and a space after it"),
    ("expected <block end>", "this line does not fit: look at its indentation, and at quotes before it"),
    ("did not find expected key", "this line does not fit: look at its indentation, and at quotes before it"),
    ("unexpected end of stream", "a quote or bracket is opened and never closed"),
    ("did not find expected ',' or", _UNCLOSED),
    ("expected ',' or", _UNCLOSED),
)


class _RefusalError(Exception):
    """Stops the composing at a fault after which nothing could be read soundly."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.problem_at = (line, column, message)


def read_text(path: Path | str, limits: Limits = DEFAULT_LIMITS) -> str:
    """Read a document's text; raise `DocumentError` when it is no readable, small UTF-8 file.

    The size is looked at before anything is read, so a file of any size is refused at once; devices and pipes
    are refused, since reading them could wait for ever.
    """
    name = str(path)
    try:
        status = os.stat(path)  # noqa: PTH116 - without pathlib, see above
        if stat.S_ISDIR(status.st_mode):
            raise UnreadableError(_at(name, 1, 1, "is a folder; a YAML file is needed"))
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError(_at(name, 1, 1, "is no regular file"))
        if status.st_size <= limits.size:
            content = read_regular(path, limits.size + 1, follow=True)
        if status.st_size > limits.size or len(content) > limits.size:
            size = max(status.st_size, limits.size + 1)
            message = f"is {size:,} bytes; a document may have at most {limits.size:,}"
            raise UnreadableError(_at(name, 1, 1, message))
    except FileNotFoundError:
        raise UnreadableError(_at(name, 1, 1, "there is no such file")) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableError(_at(name, 1, 1, f"cannot be read: {reason}")) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        line, column = _place(before, len(before))
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise UnreadableError(_at(name, line, column, message)) from None


def read_tree(path: Path, limits: Limits = DEFAULT_LIMITS) -> Node:
    """Read and compose a file; raise `DocumentError` with every problem found."""
    text = read_text(path, limits)
    problems: list[Problem] = []
    node = compose(text, str(path), problems, limits)
    if node is None or problems:
        raise document_error(str(path), problems)
    return node


def compose(text: str, path: str, problems: list[Problem], limits: Limits = DEFAULT_LIMITS) -> Node | None:
    """Compose a text into a tree; append what is wrong to `problems`; None where nothing sound is left."""
    try:
        _look_at_characters(text, limits)
        return _Composer(path, problems, limits).compose(text)
    except _RefusalError as refusal:
        problems.append(_at(path, *refusal.problem_at))
    except yaml.MarkedYAMLError as error:
        problems.append(_syntax_problem(path, text, error))
    except yaml.YAMLError as error:
        problems.append(_at(path, 1, 1, f"no YAML: {quote(str(error))}"))
    return None


def _at(path: str, line: int, column: int, message: str) -> Problem:
    return Problem(path, line, column, "error", message)


def _place(text: str, index: int) -> tuple[int, int]:
    """Turn an index into a line and column that count from 1."""
    return text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1) + 1


def _look_at_characters(text: str, limits: Limits) -> None:
    if len(text) > limits.size:
        raise _RefusalError(1, 1, f"is {len(text):,} characters; a document may have at most {limits.size:,}")
    found = _FORBIDDEN.search(text)
    if found is None:
        return
    line, column = _place(text, found.start())
    code = ord(found.group())
    raise _RefusalError(
        line,
        column,
        f'the character U+{code:04X} cannot stand in a document; in "quotes" write it as \\u{code:04X}',
    )


def _syntax_problem(path: str, text: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    said = error.problem or error.context or "no YAML"
    message = said
    lines = text.split("\n")
    if lines[line - 1 : line] and lines[line - 1][column - 1 : column] == "\t":
        message = "a tab cannot stand here; indent with spaces"
    else:
        message = next((words for part, words in _PLAIN_WORDS if part in said), said)
    if error.context_mark is not None and error.context_mark.line + 1 != line:
        message += f" (opened at line {error.context_mark.line + 1})"
    return _at(path, line, column, message)


class _Composer:
    """Turns PyYAML's events into nodes without recursion, counting as it goes."""

    def __init__(self, path: str, problems: list[Problem], limits: Limits) -> None:
        self._path = path
        self._problems = problems
        self._limits = limits
        self._values = 0
        self._lines: list[str] = []

    def compose(self, text: str) -> Node | None:
        """Return the root node; problems that leave a sound tree (duplicate keys) are collected."""
        self._lines = text.split("\n")
        root: Node | None = None
        documents = 0
        stack: list[Sequence | Mapping] = []
        keys: list[Scalar | None] = []
        for event in _events(text):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _RefusalError(*_mark(event), "a second document begins; one file is one document")
                continue
            if isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
                stack.pop()
                keys.pop()
                continue
            node = self._node(event, len(stack))
            if node is None:
                continue
            if not stack:
                root = node
            else:
                self._attach(stack[-1], keys, node)
            if not isinstance(node, Scalar):
                stack.append(node)
                keys.append(None)
        if root is None or (isinstance(root, Scalar) and root.plain and not root.text):
            raise _RefusalError(1, 1, "the document is empty")
        return root

    def _node(self, event: yaml.Event, depth: int) -> Node | None:
        """Make the node of an event; None for the events that carry none."""
        if isinstance(event, yaml.AliasEvent):
            raise _RefusalError(*_mark(event), "aliases (`*name`) are refused; write the value out")
        if not isinstance(event, (yaml.ScalarEvent, yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            return None
        line, column = _mark(event)
        self._values += 1
        if self._values > self._limits.values:
            raise _RefusalError(
                line, column, f"more than {self._limits.values:,} values; a document cannot need them"
            )
        if depth >= self._limits.depth:
            raise _RefusalError(line, column, f"nested deeper than {self._limits.depth} levels")
        if event.anchor is not None:
            message = f"anchors (`&{event.anchor[:40]}`) are refused; write the value out"
            raise _RefusalError(line, column, message)
        if event.tag is not None:
            message = f"tags ({quote(str(event.tag))}) are refused; write the value alone"
            raise _RefusalError(line, column, message)
        if isinstance(event, yaml.ScalarEvent):
            if "\0" in event.value:
                raise _RefusalError(line, column, "a text cannot hold a NUL character")
            return Scalar(event.value, line, column, not event.style, self._offset(event, line, column))
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence([], line, column)
        return Mapping({}, line, column)

    def _offset(self, event: yaml.ScalarEvent, line: int, column: int) -> int:
        """Tell how far the text begins after its mark, or -1 where it is not on that line as it is read."""
        offset = 1 if event.style else 0
        written = self._lines[line - 1] if line <= len(self._lines) else ""
        return offset if written.startswith(event.value, column - 1 + offset) else -1

    def _attach(self, parent: Sequence | Mapping, keys: list[Scalar | None], node: Node) -> None:
        """Put a node into its parent: as an item, as a key, or as the value of the last key."""
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key = keys[-1]
        if key is None:
            if not isinstance(node, Scalar):
                raise _RefusalError(node.line, node.column, "a key must be text")
            keys[-1] = node
            return
        keys[-1] = None
        earlier = parent.entries.get(key.text)
        if earlier is None:
            parent.entries[key.text] = (key, node)
            return
        message = f"the key {quote(key.text)} stands twice; first at line {earlier[0].line}"
        self._problems.append(_at(self._path, key.line, key.column, message))


def _mark(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    assert mark is not None
    return mark.line + 1, mark.column + 1


def _events(text: str) -> Iterator[yaml.Event]:
    """Yield the events of a text, from the C scanner where PyYAML has it (ten times as fast)."""
    loader = yaml.CBaseLoader(text) if yaml.__with_libyaml__ else yaml.BaseLoader(text)
    try:
        while True:
            event = loader.get_event()
            if event is None or isinstance(event, yaml.StreamEndEvent):
                return
            yield event
    finally:
        loader.dispose()
