"""With any of Textual's private names missing, its own screens are used, and everything works."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import textual

from quarterdeck.console import terminal

HERE = Path(__file__).parent
CONSOLE = Path(terminal.__file__).parent.parent


def underscored(path: Path) -> set[str]:
    """Names with one underscore that a file takes from others: attributes, imports and methods that it overrides."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Attribute(attr=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.Constant(value=str(name)) if name.isidentifier():
                found.add(name)
            case ast.ImportFrom(module=str(module)):
                found.update(module.split("."))
    return {name for name in found if name.strip("_") and name.startswith("_") and not name.startswith("__")}


def of_textual() -> set[str]:
    """Every such name that Textual's pump, app, screens, widgets, driver and compositor have."""
    found: set[str] = set()
    for part in ("message_pump", "dom", "widget", "screen", "app", "driver", "drivers/linux_driver", "_compositor"):
        found |= underscored(Path(textual.__file__).parent / f"{part}.py")
    return {*found, "_compositor"}


OURS = {"_app", "_gone", "_die", "_dead", "_names", "_seen", "_runs"}
"""Names that this package gives itself, and which Textual happens to have too."""
USED = set().union(*(underscored(path) for path in (CONSOLE / "terminal").glob("*.py")))
PRIVATE = sorted((USED & of_textual()) - OURS)
"""What the console uses of Textual's own."""


def test_the_names_are_those_that_we_know() -> None:
    assert PRIVATE == [
        "_batch_count", "_close_messages_no_wait", "_compositor", "_compositor_refresh", "_dirty_regions",
        "_dirty_widgets", "_exception", "_exception_event", "_file", "_full_map_invalidated", "_handle_exception",
        "_refresh_layout", "_regions_to_spans", "_render_chops", "_repaint_required", "_return_code", "_set_dirty",
    ]  # fmt: skip


def test_nothing_is_missing_in_the_textual_that_is_installed() -> None:
    assert terminal.missing == []


@pytest.mark.parametrize("name", PRIVATE)
def test_without_a_private_name_everything_works(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "renamed.py"), name], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    missing, shown = done.stdout.splitlines()
    assert name in missing or name == "_file", "the driver of a real terminal looks for its file by itself"
    assert shown == "shown: rolling_back"


def defined(path: Path) -> set[str]:
    """Names that a file gives itself: methods, and attributes that it sets."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
    return found


@pytest.mark.parametrize("path", sorted(CONSOLE.rglob("*.py")), ids=lambda path: str(path.relative_to(CONSOLE)))
def test_no_other_module_uses_what_textual_keeps_to_itself(path: Path) -> None:
    if path.parent.name == "terminal":
        return
    ours = set().union(*(defined(other) for other in path.parent.glob("*.py")))
    assert (underscored(path) & of_textual()) - ours == set()
    assert not underscored(path) & set(PRIVATE)
