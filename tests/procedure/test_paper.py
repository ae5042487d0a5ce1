from __future__ import annotations

from pathlib import Path

import pytest

from quarterdeck.procedure.check import load
from quarterdeck.procedure.graph import cycle, followers, longest, reach, totals
from quarterdeck.procedure.model import Procedure, Rollback, Stage, Step
from quarterdeck.procedure.paper import on_paper


@pytest.fixture
def procedure(example_path: Path) -> Procedure:
    return load(example_path)


def test_the_paper_holds_plan_rollback_and_minutes(procedure: Procedure) -> None:
    text = on_paper(procedure)
    for part in (
        "REBUILD THE ORDERS INDEX",
        "Change: 32m",
        "Full rollback: 5m30s (1 undo step, with time to decide)",
        "[ ] 3  Build the new index beside the old one  (dba, 15m) [create]",
        "$ systemctl restart orders-api",
        "Run: on db01 as root",
        "Check: orders-api is ok (within 2m)",
        "POINT OF NO RETURN",
        "Signed by: qa, another person",
        "[ ] R1  Drop the new index  (dba, 1m) [drop-new]",
        "- Restart the order API [restart]: A restart leaves nothing behind",
        "Write down: seconds [s], must be < 1:",
    ):
        assert part in text, part


def test_the_paper_says_what_starts_without_a_key() -> None:
    steps = (
        Step(id="a", title="First", owner="dba", duration=60),
        Step(id="b", title="Then", owner="qa", auto_start=True),
    )
    text = on_paper(Procedure(id="p", title="P", revision=1, stages=(Stage(id="s", title="S", steps=steps),)))
    assert "First  (dba, 1m) [a]" in text
    assert "Then  (qa, starts by itself) [b]" in text


def test_the_rollback_is_in_reverse_order_with_each_undo_as_written() -> None:
    undo_a = (Step(id="a1", title="First"), Step(id="a2", title="Second"))
    steps = (
        Step(id="a", title="A", mutates=True, undo=undo_a),
        Step(id="b", title="B", mutates=True, undo=(Step(id="b1", title="Before all"),)),
    )
    plan = Procedure(id="p", title="P", revision=1, stages=(Stage(id="s", title="S", steps=steps),))
    lines = [line for line in on_paper(plan).splitlines() if line.startswith("[ ] R")]
    assert [line.split("[")[-1] for line in lines] == ["b1]", "a1]", "a2]"]


def test_markdown_keeps_markup_of_strangers_out(procedure: Procedure) -> None:
    step = Step(
        id="x",
        title="![x](http://evil) <script> `a` *b*\n# heading",
        kind="command",
        command=("echo", "```", "\x1b[2J"),
        instructions="a <b>bold</b>\x07\n```\nnot closed",
    )
    hostile = Procedure(id="p", title="<img>", revision=1, stages=(Stage(id="s", title="# S", steps=(step,)),))
    text = on_paper(hostile, as_markdown=True)
    assert "<script>" not in text
    assert "<img>" not in text
    assert "![x](" not in text
    assert "\n# heading" not in text
    assert "````" in text
    assert all(character.isprintable() or character == "\n" for character in text)


def test_plain_paper_steers_no_printer(procedure: Procedure) -> None:
    step = Step(id="x", title="a\x1b[2J\u202eb", instructions="c\x07\td\r")
    plan = Procedure(id="p", title="P\x00", revision=1, stages=(Stage(id="s", title="S", steps=(step,)),))
    assert all(character.isprintable() or character == "\n" for character in on_paper(plan))


def test_totals_are_the_critical_path_and_a_serial_rollback() -> None:
    undo = (Step(id="u", title="U", duration=30.0),)
    steps = (
        Step(id="a", title="A", duration=60.0, mutates=True, undo=undo),
        Step(id="b", title="B", duration=120.0, after=("a",), mutates=True, undo=undo),
        Step(id="c", title="C", duration=50.0, after=("a",)),
    )
    plan = Procedure(
        id="p",
        title="P",
        revision=1,
        stages=(Stage(id="s", title="S", steps=steps),),
        rollback=Rollback(verify=(Step(id="v", title="V", duration=10.0),)),
    )
    sums = totals(plan)
    assert (sums.change, sums.work, sums.undo_steps) == (180.0, 230.0, 2)
    assert sums.rollback == 2 * 30 + 10 + 180 + 2 * 30


def test_graphs_of_ten_thousand_steps_are_no_matter() -> None:
    chain = [Step(id=str(i), title="S", duration=1.0, after=(str(i - 1),) if i else ()) for i in range(10_000)]
    assert longest(chain) == 10_000.0
    assert cycle(chain) == ()
    assert len(reach("0", followers(chain))) == 9_999


def test_a_cycle_is_named_in_order() -> None:
    steps = [
        Step(id="a", title="A", after=("c",)),
        Step(id="b", title="B", after=("a",)),
        Step(id="c", title="C", after=("b",)),
        Step(id="d", title="D", after=("c",)),
    ]
    found = cycle(steps)
    assert sorted(found) == ["a", "b", "c"]
    assert found[(found.index("a") + 1) % 3] == "b"
    assert longest(steps) == 0.0


def test_the_paper_shows_every_text_that_is_for_people_only() -> None:
    steps = (Step(id="a", title="A", duration=60, targets=("db01", "shop"), tags=("index", "orders")),)
    text = on_paper(
        Procedure(
            id="p",
            title="P",
            revision=1,
            category="database",
            cadence="monthly",
            environments=("staging",),
            services=("orders",),
            stages=(Stage(id="s", title="S", steps=steps),),
        )
    )
    for part in ("Category: database", "Cadence: monthly", "staging", "Touches: db01, shop", "Tags: index, orders"):
        assert part in text, part
