"""What a console says of a session that is not on its screen, at every size."""

from __future__ import annotations

import night
import pytest
from hands_helm import helm
from harness import Harness
from msgspec import structs
from test_hands_view import RUNNING

from quarterdeck.console.panes.alarms import alarm_of, alarms_of
from quarterdeck.console.screens.modal import Modal
from quarterdeck.console.screens.switcher import Switcher
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.store import StationClient
from quarterdeck.errors import StationError

SIZES = [(40, 12), (60, 20), (80, 24), (120, 36), (250, 70)]


def beside(state: str = "proposal", here: str = "running", others: int = 1) -> Snapshot:
    return structs.replace(night.snapshot(here), others=tuple(night.second(state) for _ in range(others)))


def text(app: Harness) -> list[str]:
    return ["".join(part.text for part in strip) for strip in app.screen._compositor.render_strips()]


async def reach(session: str) -> StationClient:
    raise StationError(f"the station of {session} hangs")


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_who_else_is_at_work_and_what_is_wrong_there_is_seen_at_every_size(size: tuple[int, int]) -> None:
    app = Harness(beside("running"))
    async with app.run_test(size=size) as pilot:
        for state, words in (("proposal", "HALT PROPOSED"), ("halted", "HALTED"), ("running", "")):
            app.deck.snapshot = beside(state)
            await pilot.pause()
            shown = text(app)
            assert "bwtx" in shown[0]
            said = shown[0].partition("bwtx")[2]
            assert "also bwtx" in shown[0] or size[0] >= 120
            if size[0] not in {40, 80}:
                assert ("HALTED" if state == "halted" else "RUNNING") in said, shown[0]
            if size[0] >= 80:
                assert "step 7/18" in shown[0], "how far it is here is not given up for another session"
                assert "UTC" in shown[0], "nor is the clock"
                assert "search warn" in shown[0], "nor which target is worst"
            assert "kfwz" in shown[0] or size[0] < 80
            assert any("kfwz" in line for line in shown[-3:]), "the button names the one that it halts"
            alarms = [line for line in shown[:4] if line.startswith((" ! HALT", " ! ORD"))]
            assert len(alarms) == bool(words)
            assert all(line.startswith(f" ! {words}") for line in alarms)
            assert size[0] < 80 or all("in Move the receipts" in line for line in alarms)


async def test_a_planned_session_with_a_critical_target_does_not_stand_in_the_header() -> None:
    planned = night.second("planned")
    planned.session.phase = "planned"
    critical = structs.replace(night.snapshot().readings["search"], status="critical")
    planned = structs.replace(planned, readings={"search": critical})
    app = Harness(structs.replace(beside(), others=(planned,)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "also" not in text(app)[0]


@pytest.mark.parametrize("state", ["running", "planned"])
async def test_a_halt_names_the_other_sessions_that_go_on_and_no_planned_one(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = night.second(state)
    other.session.phase = state  # type: ignore[assignment]
    async with helm(*RUNNING) as at:
        monkeypatch.setattr(at.app.neighbours, "look", lambda _: (other,))
        at.app.tick()
        await at.press("H")
        said = [words for words in at.said if "HALT sent to" in words]
        assert [f"Not halted: {other.session.letters}" in words for words in said] == [True] * (state == "running")


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_list_of_sessions_shows_state_clocks_and_worst_target_at_every_size(size: tuple[int, int]) -> None:
    shown = beside()
    app = Harness(shown)
    async with app.run_test(size=size) as pilot:
        over = Switcher(reach)
        over.set_reactive(Modal.snapshot, shown)
        await app.push_screen(over)
        await pilot.pause()
        assert over.pane.chosen == shown.others[0].session.id
        seen = "\n".join(text(app))
        assert "(bwtx)" in seen
        assert "HALT PROPOSED" in seen
        assert "HALT kfwz" in seen
        for _ in range(20):
            if all(words in seen for words in ("RUNNING", "WINDOW", "DECIDE BY", "stop now: ", "worst search warn")):
                break
            over.pane.roll_to(over.pane.top + 1)
            await pilot.pause()
            seen += "\n".join(text(app))
        else:
            pytest.fail(seen[-2000:])
        await pilot.press("enter")
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "Not shown: the station of" in "\n".join(text(app))
        assert app.screen is over


async def test_the_list_is_live_and_its_cursor_stays_where_it_was_put() -> None:
    app = Harness(beside("running"))
    async with app.run_test(size=(120, 36)) as pilot:
        over = Switcher(reach)
        over.set_reactive(Modal.snapshot, beside("running"))
        await app.push_screen(over)
        await pilot.pause()
        await pilot.press("up")
        here = night.snapshot().session.id
        assert over.pane.chosen == here
        over.snapshot = beside("halted")
        await pilot.pause()
        assert "HALTED by" in "\n".join(text(app))
        assert over.pane.chosen == here
        over.snapshot = beside(others=0)
        await pilot.pause()
        assert "Move the receipts to the new cluster" not in "\n".join(text(app))


def test_the_gravest_alarm_comes_first_and_a_calm_session_has_none() -> None:
    assert alarm_of(night.second("running")) == ""
    assert alarm_of(night.second("halted")).startswith("HALTED by ")
    assert alarm_of(night.second("proposal")).startswith("HALT PROPOSED: Order API too slow")
    shown = night.second("halted")
    critical = structs.replace(shown.readings["search"], status="critical")
    shown = structs.replace(shown, readings={**shown.readings, "search": critical})
    assert [kind for kind, _ in alarms_of(shown)] == ["halt", "critical"]
    lost = structs.replace(shown, contact="lost")
    assert list(alarms_of(lost).values())[1] == "NO STATION: quarterdeck attach bwtx brings it back"
    assert "critical" not in str(alarms_of(lost)), "what was read before it was lost says nothing of now"
