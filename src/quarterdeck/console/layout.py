"""Layouts as data: which panes stand where. Shipped ones, and a person's own, which win by name.

A layout is a YAML file of nested `row`, `column` and `tabs` with sizes and `pane: name`; it is read strictly, with
the line of every fault. A broken one never keeps a console from opening: the shipped one is taken, with a notice.
The shipped ones are also compiled (`layouts_compiled.json`), so that no YAML is imported before the first frame;
the compiled form counts only while the file's checksum is the one it was made from.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from quarterdeck.errors import DocumentError
from quarterdeck.shipped import shipped

if TYPE_CHECKING:
    from quarterdeck.documents.nodes import Mapping, Node
    from quarterdeck.documents.schema import Context

__all__ = [
    "PANES",
    "SHIPPED",
    "Box",
    "Layout",
    "Layouts",
    "PaneNode",
    "Part",
    "Tabs",
    "check_layout",
    "compile_shipped",
    "read_layout",
]

FORMAT = 1

PANES = (
    "header", "clocks", "bigclocks", "banner", "procedure", "step", "gauges", "endpoints", "rollup", "log", "next",
    "halt", "footer", "needs",
)  # fmt: skip
"""Every pane that a layout may name."""

SHIPPED = ("lead", "assignee", "wallboard", "compact", "small")
"""The shipped layouts, in the order in which a key cycles through them."""

CYCLED = ("lead", "assignee", "wallboard", "compact")

_COMPILED = Path(__file__).with_name("layouts_compiled.json")


class Size(Struct, frozen=True, omit_defaults=True):
    """How much room: cells, a share, per cent, or as much as its rows need up to `most`."""

    kind: Literal["cells", "fr", "percent", "fit"] = "fr"
    value: float = 1.0
    most: int = 0
    most_percent: bool = False
    """`most` is per cent of the terminal's lines, not lines."""


class PaneNode(Struct, frozen=True, omit_defaults=True, tag="pane"):
    """A pane."""

    pane: str
    size: Size = Size()
    title: str = ""
    options: dict[str, str] = {}


class Box(Struct, frozen=True, omit_defaults=True, tag="box"):
    """Parts beside each other, or below each other."""

    way: Literal["row", "column"]
    items: tuple[PaneNode | Box | Tabs, ...]
    size: Size = Size()
    title: str = ""


class Tabs(Struct, frozen=True, omit_defaults=True, tag="tabs"):
    """Parts behind each other, with a line of titles."""

    items: tuple[PaneNode | Box, ...]
    size: Size = Size()
    title: str = ""


Part = PaneNode | Box | Tabs


class Layout(Struct, frozen=True, omit_defaults=True):
    """A whole screen."""

    name: str
    root: Box
    title: str = ""
    width: int = 0
    """Cells that it needs."""
    height: int = 0
    below: str = ""
    """The layout that is taken where the terminal is smaller."""
    keys: bool = True
    """Somebody types here: it has a halt button."""

    def has(self, pane: str, part: Part | None = None) -> bool:
        """Whether this pane stands somewhere in it, or in this part of it."""
        part = part or self.root
        return part.pane == pane if isinstance(part, PaneNode) else any(self.has(pane, item) for item in part.items)


class _Compiled(Struct):
    crc: int
    layout: Layout


class Layouts:
    """All layouts of this person: shipped ones and their own, read when asked for."""

    def __init__(self, own: Path | None = None) -> None:
        """`own` is the folder with a person's own layouts; it need not exist."""
        self._own = own
        self._known: dict[str, Layout] = {}
        self._compiled: dict[str, _Compiled] | None = None
        self.notices: list[str] = []
        """What went wrong, a line each; the app shows and logs them."""

    def names(self) -> list[str]:
        """Layouts to cycle through: the shipped ones, then a person's own."""
        own = sorted(path.stem for path in self._own.glob("*.yaml")) if self._own and self._own.is_dir() else []
        return [*CYCLED, *(name for name in own if name not in SHIPPED)]

    def get(self, name: str) -> Layout:
        """The layout of this name; a broken or unknown one gives a shipped one, and a notice."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._load(name)
        return found

    def fitting(self, name: str, width: int, height: int) -> Layout:
        """The layout, or the one that it names for smaller terminals, down to one that fits."""
        layout = self.get(name)
        seen = {layout.name}
        while (width < layout.width or height < layout.height) and layout.below and layout.below not in seen:
            layout = self.get(layout.below)
            seen.add(layout.name)
        return layout

    def _load(self, name: str) -> Layout:
        own = self._own / f"{name}.yaml" if self._own and "/" not in name else None
        if own is not None and own.is_file():
            try:
                return read_layout(own)
            except DocumentError as error:
                problem = error.problems[0] if error.problems else str(error)
                self.notices.append(f"layout {name}: {problem}; the shipped one is shown")
        if name in SHIPPED:
            return self._shipped(name)
        if own is None or not own.is_file():
            self.notices.append(f"there is no layout {name!r}: {', '.join(self.names())}")
        return self._shipped("lead")

    def _shipped(self, name: str) -> Layout:
        path = shipped("layouts") / f"{name}.yaml"
        if self._compiled is None:
            self._compiled = msgspec.json.decode(_COMPILED.read_bytes(), type=dict[str, _Compiled])
        compiled = self._compiled.get(name)
        if compiled is not None and compiled.crc == zlib.crc32(path.read_bytes()):
            return compiled.layout
        return read_layout(path)


def compile_shipped() -> bytes:
    """The compiled form of the shipped layouts, as `layouts_compiled.json` has to hold it."""
    compiled = {}
    for name in SHIPPED:
        path = shipped("layouts") / f"{name}.yaml"
        compiled[name] = _Compiled(zlib.crc32(path.read_bytes()), read_layout(path))
    return msgspec.json.format(msgspec.json.encode(compiled), indent=1) + b"\n"


def read_layout(path: Path) -> Layout:
    """Read a layout file; raise `DocumentError` with every fault and its line."""
    from quarterdeck.documents.strict_yaml import read_tree

    return _Reader(str(path)).layout(read_tree(path), path.stem)


def check_layout(node: Node, context: Context) -> None:
    """Add what is wrong with a layout document; for `quarterdeck lint`."""
    reader = _Reader(context.path)
    try:
        reader.layout(node, Path(context.path).stem)
    except DocumentError:
        context.problems.extend(reader.problems)


class _Reader:
    """Reads one file; collects problems and goes on."""

    def __init__(self, path: str) -> None:
        from quarterdeck.documents.problems import Problem

        self.path = path
        self.problems: list[Problem] = []
        self.panes: list[str] = []

    def wrong(self, node: Node, message: str) -> None:
        from quarterdeck.documents.problems import Problem

        self.problems.append(Problem(self.path, node.line, node.column, "error", message))

    def layout(self, node: Node, stem: str) -> Layout:
        from quarterdeck.documents.nodes import Mapping
        from quarterdeck.documents.problems import document_error

        top = {"quarterdeck-layout", "name", "title", "needs", "below", "keys", "row", "column"}
        if not isinstance(node, Mapping):
            self.wrong(node, "a layout is a mapping that begins with `quarterdeck-layout: 1`")
            raise document_error(self.path, self.problems)
        self.known(node, top)
        if self.text(node, "quarterdeck-layout") != str(FORMAT):
            self.wrong(node.get("quarterdeck-layout") or node, f"`quarterdeck-layout: {FORMAT}` is missing")
        width, height = self.needs(node)
        keys = self.text(node, "keys", "yes")
        if keys not in {"yes", "no"}:
            self.wrong(node.get("keys") or node, "`keys` is `yes` or `no`")
        root = self.part(node, top=True)
        if keys == "yes" and "halt" not in self.panes:
            self.wrong(node, "a layout that somebody types at needs the pane `halt` (or `keys: no`)")
        if self.problems:
            raise document_error(self.path, self.problems)
        assert isinstance(root, Box)
        return Layout(
            name=self.text(node, "name", stem),
            root=root,
            title=self.text(node, "title", stem.capitalize()),
            width=width,
            height=height,
            below=self.text(node, "below"),
            keys=keys == "yes",
        )

    def known(self, node: Mapping, keys: set[str]) -> None:
        from quarterdeck.documents.problems import did_you_mean, quote

        for key, (place, _) in node.entries.items():
            if key not in keys:
                self.wrong(place, f"{quote(key)} is unknown here{did_you_mean(key, keys)}")

    def text(self, node: Mapping, key: str, default: str = "") -> str:
        from quarterdeck.documents.nodes import Scalar

        value = node.get(key)
        if value is None:
            return default
        if not isinstance(value, Scalar):
            self.wrong(value, f"`{key}` is a text")
            return default
        return value.text

    def needs(self, node: Mapping) -> tuple[int, int]:
        text = self.text(node, "needs")
        if not text:
            return 0, 0
        width, _, height = text.partition("x")
        if width.isdecimal() and height.isdecimal() and len(text) < 12:
            return int(width), int(height)
        self.wrong(node.get("needs") or node, "`needs` is columns x lines, like `100x30`")
        return 0, 0

    def part(self, node: Node, *, top: bool = False, tab: bool = False) -> Part | None:
        """One part: exactly one of `pane`, `row`, `column`, `tabs`."""
        from quarterdeck.documents.nodes import Mapping

        if not isinstance(node, Mapping):
            self.wrong(node, "a part is `{pane: name}`, or a `row`, `column` or `tabs` with a list")
            return None
        ways = [key for key in ("pane", "row", "column", "tabs") if key in node.entries]
        if len(ways) != 1:
            self.wrong(node, "exactly one of `pane`, `row`, `column`, `tabs` has to stand here")
            return None
        way = ways[0]
        if not top:
            self.known(
                node, {way, "size", "most", *(["title"] if tab else []), *(["options"] if way == "pane" else [])}
            )
        size = self.size(node) if not top else Size()
        title = self.text(node, "title") if not top else ""
        if way == "pane":
            return self.pane(node, size, title)
        items = self.items(node, way, tabs=way == "tabs")
        if way == "tabs":
            return Tabs(tuple(item for item in items if not isinstance(item, Tabs)), size, title)
        return Box("row" if way == "row" else "column", tuple(items), size, title)

    def items(self, node: Mapping, way: str, *, tabs: bool) -> list[Part]:
        from quarterdeck.documents.nodes import Sequence

        listed = node.get(way)
        assert listed is not None
        if not isinstance(listed, Sequence) or not listed.items:
            self.wrong(listed, f"`{way}` is a list of parts")
            return []
        found = [(item, self.part(item, tab=tabs)) for item in listed.items]
        for item, part in found:
            if tabs and part is not None and (isinstance(part, Tabs) or not part.title):
                self.wrong(item, "a tab is a pane, row or column with a `title`")
        return [part for _, part in found if part is not None]

    def pane(self, node: Mapping, size: Size, title: str) -> PaneNode | None:
        from quarterdeck.documents.nodes import Mapping
        from quarterdeck.documents.problems import did_you_mean, quote

        name = self.text(node, "pane")
        if name not in PANES:
            said = did_you_mean(name, PANES) or f"; there are {', '.join(PANES)}"
            self.wrong(node.get("pane") or node, f"there is no pane {quote(name)}{said}")
            return None
        if name in self.panes:
            self.wrong(node, f"the pane {quote(name)} stands in this layout twice")
        self.panes.append(name)
        options = node.get("options")
        found: dict[str, str] = {}
        if isinstance(options, Mapping):
            self.known(options, {"mine"})
            found = {key: self.text(options, key) for key in options.entries}
        elif options is not None:
            self.wrong(options, "`options` is a mapping")
        return PaneNode(name, size, title, found)

    def size(self, node: Mapping) -> Size:
        text = self.text(node, "size", "1fr")
        written = self.text(node, "most", "0")
        most, percent = written.removesuffix("%"), written.endswith("%")
        if not most.isdecimal() or len(most) > 3:
            self.wrong(node.get("most") or node, "`most` is a number of lines (`9`), or per cent of all (`25%`)")
            most = "0"
        if text == "fit":
            return Size("fit", 0, int(most), percent)
        for suffix, kind in (("fr", "fr"), ("%", "percent"), ("", "cells")):
            number = text.removesuffix(suffix)
            if text.endswith(suffix) and number.isdecimal() and 0 < int(number) <= 500:
                return Size(kind, float(number), int(most), percent)  # type: ignore[arg-type]  # one of the three above
        self.wrong(node.get("size") or node, "`size` is cells (`7`), a share (`2fr`), per cent (`40%`) or `fit`")
        return Size()
