"""The pages in docs/ speak of the program as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
ROOMS = sorted(path.parent.name for path in (ROOT / "src" / "quarterdeck").glob("*/__init__.py"))
NUMBER = re.compile(r"\bR(\d{1,2})\b")


def rules() -> dict[str, str]:
    """The rule book: number to its text."""
    text = (DOCS / "session-rules.md").read_text(encoding="utf-8")
    found = re.findall(r"^- \*\*R(\d+)\*\* (.*?)(?=^- |^#|\Z)", text, re.MULTILINE | re.DOTALL)
    return dict(found)


def cited() -> dict[str, list[str]]:
    """Every number that code or a test cites, to where."""
    found: dict[str, list[str]] = {}
    for folder in ("src", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for number in NUMBER.findall(path.read_text(encoding="utf-8")):
                found.setdefault(number, []).append(str(path.relative_to(ROOT)))
    return found


def test_every_rule_that_is_cited_stands_in_the_rule_book() -> None:
    missing = {number: places[:3] for number, places in cited().items() if number not in rules()}
    assert not missing


def test_every_rule_that_is_built_is_held_by_a_test_of_its_name() -> None:
    names = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    built = [number for number, text in rules().items() if not text.startswith("*To come.*")]
    assert len(built) > 20
    assert [number for number in built if not re.search(rf"def test_r{number}_", names)] == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_every_link_and_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []
    named = re.findall(r"`((?:src|tests|docs|layouts|procedures)/[\w./-]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
    inside = re.findall(
        r"`((?:session|console|station|record|logbook|observer|runner|procedure|documents)/[\w./-]+)`", text
    )
    assert [name for name in inside if not (ROOT / "src/quarterdeck" / name).exists()] == []
