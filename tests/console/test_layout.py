"""Layouts are data: read strictly, a person's own win by name, a broken one never keeps a console from opening."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import night
import pytest
from harness import Harness
from test_panes import screen_text

from quarterdeck.console import layout as layout_module
from quarterdeck.console.layout import SHIPPED, Layouts, PaneNode, compile_shipped, read_layout
from quarterdeck.errors import DocumentError
from quarterdeck.shipped import shipped

GOOD = """\
quarterdeck-layout: 1
name: mine
title: Mine
needs: 60x20
below: small
column:
  - {pane: header, size: 1}
  - row:
      - {pane: procedure, size: 60%}
      - {pane: log}
  - row:
      - {pane: halt, size: 12}
      - {pane: next}
    size: 2
"""


def problems(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(DocumentError) as caught:
        read_layout(path)
    return "\n".join(caught.value.problems).replace(f"{path}:", "")


def test_the_compiled_form_is_that_of_the_files() -> None:
    """When this fails: write `compile_shipped()` to layouts_compiled.json."""
    assert layout_module._COMPILED.read_bytes() == compile_shipped()


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_layouts_are_right(name: str) -> None:
    layout = read_layout(shipped("layouts") / f"{name}.yaml")
    assert layout.name == name
    assert Layouts().get(name) == layout
    assert not layout.below or layout.below in SHIPPED


def test_no_yaml_is_imported_for_a_shipped_layout() -> None:
    code = (
        "import sys; from quarterdeck.console.layout import Layouts; Layouts().get('lead');"
        "assert 'yaml' not in sys.modules and 'textual' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_ones_own_layout_wins_by_name(tmp_path: Path) -> None:
    (tmp_path / "lead.yaml").write_text(GOOD.replace("name: mine", "name: lead"))
    (tmp_path / "mine.yaml").write_text(GOOD)
    found = Layouts(tmp_path)
    assert found.get("lead").title == "Mine"
    assert found.names() == ["lead", "assignee", "wallboard", "compact", "mine"]
    assert not found.notices
    pane = found.get("mine").root.items[0]
    assert isinstance(pane, PaneNode)
    assert (pane.pane, pane.size.value) == ("header", 1)


def test_a_broken_one_falls_back_with_a_notice_that_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "lead.yaml").write_text(GOOD.replace("pane: log", "pane: lag"))
    found = Layouts(tmp_path)
    assert found.get("lead") == Layouts().get("lead")
    assert found.get("lead") == Layouts().get("lead")
    (notice,) = found.notices
    assert "lead.yaml:10:" in notice
    assert "did you mean `log`?" in notice
    assert "the shipped one is shown" in notice


def test_an_unknown_name_says_which_there_are(tmp_path: Path) -> None:
    found = Layouts(tmp_path)
    assert found.get("led").name == "lead"
    assert "lead, assignee, wallboard, compact" in found.notices[0]
    assert found.get("../../etc/passwd").name == "lead"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("quarterdeck-layout: 1", "quarterdeck-layout: 2"), "1:21: error: `quarterdeck-layout: 1` is missing"),
        (("needs: 60x20", "needs: big"), "4:8: error: `needs` is columns x lines"),
        (("pane: log", "pane: log, size: 0"), "10:"),
        (("size: 60%", "size: wide"), "9:33: error: `size` is cells"),
        (("{pane: log}", "{pane: procedure}"), "10:9: error: the pane `procedure` stands in this layout twice"),
        (("{pane: halt, size: 12}", "{pane: clocks}"), "needs the pane `halt`"),
        (("{pane: next}", "{pane: next, colour: red}"), "`colour` is unknown here"),
        (("{pane: next}", "next"), "13:9: error: a part is"),
        (("{pane: next}", "{}"), "exactly one of `pane`, `row`, `column`, `tabs`"),
        (("title: Mine", "titel: Mine"), "did you mean `title`?"),
        (("column:", "column: 7\nkeys: maybe\nx:"), "`column` is a list of parts"),
        (
            ("  - row:\n      - {pane: procedure", "  - tabs:\n      - {pane: procedure"),
            "a tab is a pane, row or column",
        ),
    ],
)
def test_every_fault_is_named_with_its_line(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert change[0] in GOOD
    assert said in problems(tmp_path, GOOD.replace(*change))


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("pane: log", "pane: lag").replace("60%", "wide").replace("60x20", "big")
    assert len(problems(tmp_path, text).splitlines()) == 3


def test_text_alone_is_no_layout(tmp_path: Path) -> None:
    assert "a layout is a mapping" in problems(tmp_path, "hello")


async def test_ones_own_layout_is_shown_and_cycled_to(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    app = Harness(night.snapshot(), layouts=Layouts(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        for name in ("assignee", "wallboard", "compact", "mine"):
            assert app.deck.cycle() == name
            await pilot.pause()
            await pilot.pause()
        assert app.deck.pane("gauges") is None
        assert "7 Reindex orders · started on db01" in screen_text(app)
        assert app.deck.cycle() == "lead"
