"""A target's screen: why it is bad is clear within a minute, and every way to it works."""

from __future__ import annotations

import asyncio
import re
import time

import night
import pytest
from fake_station import ITSELF, PROCEDURE, FakeStation
from hands_helm import helm
from msgspec.structs import replace
from test_cursor import COPIED, opened, pane
from test_hands_scripts import Paper

from quarterdeck.console.glyphs import ASCII, UNICODE, Glyphs
from quarterdeck.console.panes.chart import Bar, area, lanes, times
from quarterdeck.console.panes.rows import Row, width_of
from quarterdeck.console.panes.target import TargetPane, told
from quarterdeck.console.panes.target_rows import asked_rows, guard_rows, judged_rows, shown_value, value_rows
from quarterdeck.console.plain import PlainDesk
from quarterdeck.console.screens.form_bar import FormBar
from quarterdeck.console.screens.reader import TargetReader
from quarterdeck.console.series import MOST, Series, Span
from quarterdeck.console.store import Verdict
from quarterdeck.console.theme import NIGHT, Look
from quarterdeck.host import Clocks
from quarterdeck.observer.messages import Reading, Status
from quarterdeck.procedure.model import Bands
from quarterdeck.session import intents
from quarterdeck.session.guard_watch import targets_of


def text(rows: list[Row]) -> list[str]:
    return ["".join(said for said, _ in row).rstrip() for row in rows]


def read(status: Status = "ok", at: float = 0.0, **more: object) -> Reading:
    known: dict[str, object] = {"values": {"latency": 0.1}, "message": "", "raw": status, **more}
    return Reading(target="api", at=at, boot=at, status=status, interval=2.0, max_age=6.0, **known)  # type: ignore[arg-type]


# -- what is kept


def test_a_series_stays_small_for_six_hours_and_never_loses_a_peak() -> None:
    series = Series()
    for second in range(6 * 3600):
        series.take(second, 9.0 if second == 7_777 else 1.0 + second % 2)
    assert len(series) <= MOST
    assert series.width < 6 * 3600 / 100
    columns = series.columns(0, 6 * 3600, 200, 0.0)
    assert None not in columns
    peak = [n for n, column in enumerate(columns) if column is not None and column.high == 9.0]
    assert peak
    assert all(abs(n - 7_777 / (6 * 3600) * 200) <= 2 for n in peak)
    assert columns[0] == Span(1.0, 2.0)


def test_a_value_stands_until_the_next_one_is_due_and_then_there_is_a_gap() -> None:
    series = Series()
    series.take(0, 5.0)
    series.take(100, 7.0)
    assert series.columns(0, 120, 12, 25.0) == [Span(5, 5)] * 3 + [None] * 7 + [Span(7, 7)] * 2


def test_a_verdict_counts_readings_in_a_row_and_knows_whether_it_saw_the_change() -> None:
    verdict = Verdict.after(None, read("critical", 10))
    verdict = Verdict.after(verdict, read("critical", 12))
    assert (verdict.since, verdict.count, verdict.is_whole, verdict.counts_all) == (10, 2, False, False)
    verdict = Verdict.after(verdict, read("critical", 14, raw="ok"))
    assert (verdict.since, verdict.raw, verdict.count, verdict.counts_all) == (10, "ok", 1, True)
    verdict = Verdict.after(verdict, read("ok", 16))
    assert (verdict.since, verdict.count, verdict.is_whole) == (16, 2, True)


async def test_a_link_that_is_back_counts_no_reading_twice() -> None:
    link = night.link_of(night.session())
    for reading in (read(at=1), read(at=3), read(at=1), read(at=3), read(at=5)):
        link._reading(reading)
    assert link.verdicts["api"].count == 3
    assert len(link.series["api.latency"]) == 3


# -- the chart


def test_an_area_is_as_high_as_its_values_in_every_way_of_drawing() -> None:
    columns = [Span(0, 0), Span(2, 4), Span(4, 8), None]
    assert area(columns, 2, "block", 8.0) == ["  █ ", "▁██ "]
    assert area(columns, 2, "ascii", 8.0) == ["  # ", ".## "]
    assert area([*columns, *columns], 1, "braille", 8.0) == ["⣠⡇⣠⡇"]
    assert area(columns, 1, "block", 8.0, lower=True) == ["▁▂▄ "], "where lower is worse the lowest is drawn"


def test_steps_stand_beside_each_other_and_what_finds_no_place_is_counted() -> None:
    bars = [
        Bar("1", 0, 6, is_open=False, role="ok"), Bar("2", 7, 19, is_open=True, role="running"),
        Bar("3", 3, 9, is_open=False, role="ok"), Bar("4", 4, 8, is_open=False, role="ok"),
    ]  # fmt: skip
    rows, left_out = lanes(bars, 20, 2, UNICODE)
    assert text(rows) == ["├1────┤├2───────────", "   ├3────┤"]
    assert left_out == 1
    assert text(lanes(bars[:1], 20, 2, ASCII)[0]) == ["|1----|"]
    assert text(lanes([Bar("12", 19, 19, is_open=True, role="running")], 20, 1, UNICODE)[0])[0].endswith("├12")


@pytest.mark.parametrize("width", [16, 40, 100, 230])
@pytest.mark.parametrize("hours", [0.02, 0.5, 6, 30])
def test_times_stand_where_they_are_in_the_sessions_zone(width: int, hours: float) -> None:
    line = times(night.T0 - hours * 3600, night.T0, width, 330)
    assert len(line) <= width
    for word in line.split():
        column = line.index(word)
        at = night.T0 - hours * 3600 + column / width * hours * 3600
        minutes = (int(word[:2]) * 60 + int(word[3:]) - int(at / 60) - 330) % 1440
        assert min(minutes, 1440 - minutes) <= hours * 60 / width + 1


# -- how it was judged


def test_what_is_gravest_is_charted_first_and_said_first() -> None:
    snapshot = night.slow_search()
    plan = snapshot.session.plan
    assert plan is not None
    wide = Bands(warning="150 ms", critical="3 s")
    address: dict[str, str | list[str]] = {"url": "https://search.example/health"}
    target = replace(
        night.SEARCH,
        type="health_json",
        options=address,
        bands={"latency": wide, "value[lag]": Bands(critical="1 s")},
    )
    targets = {**plan.procedure.targets, "search": target}
    plan = replace(plan, procedure=replace(plan.procedure, targets=targets))
    reading = replace(
        snapshot.readings["search"], values={"latency": 0.2, "value[lag]": 2.0}, units={"value[lag]": "s"},
        message="says warn; latency warning; value[lag] critical",
    )  # fmt: skip
    snapshot = replace(snapshot, session=replace(snapshot.session, plan=plan), readings={"search": reading})
    assert text(judged_rows(snapshot, "search", 100, UNICODE))[:3] == [
        "   ✖ lag is 2 s: critical from 1 s",
        "   ▲ latency is 200 ms: critical from 3 s, warning from 150 ms",
        "   ▲ says warn; expected: an answer that says it is well",
    ]
    assert TargetPane("search")._metric(snapshot, reading) == "value[lag]"


def test_what_judged_it_what_was_read_since_when_and_how_many_in_a_row_stand_together() -> None:
    snapshot = night.slow_search()
    said = text(judged_rows(snapshot, "search", 100, UNICODE))
    assert said == [
        "   ✖ latency is 1.01 s: critical from 800 ms, warning from 400 ms, over only below 300 ms",
        "   ● as expected: an answer 200",
        "   34 readings in a row say critical; 2 count, and 1 good one ends it",
        "   critical since 01:57:13, for 3 min, while 7 Reindex orders ran",
    ]
    assert text(guard_rows(snapshot, "search", 120, UNICODE)) == [
        "   ✖ Search too slow: HALT PROPOSED, pauses in 1:20: p95(search.latency, 60 s) is 1.2 s, above 800 ms",
        "     proposes a halt when p95(search.latency, 1m) > 800ms for 60 s",
    ]


def test_a_peak_that_was_too_short_to_count_is_named_where_it_is_ok() -> None:
    snapshot = night.slow_search()
    at = snapshot.boot - 120
    series = Series()
    for second in range(100):
        series.take(at + second, 1.2 if second == 60 else 0.003)
    calm = replace(
        snapshot.readings["search"], values={"latency": 0.003}, status="ok", raw="ok", message="", flags=()
    )
    verdict = Verdict("ok", at, "ok", 90, is_whole=False, counts_all=False)
    snapshot = replace(
        snapshot,
        readings={"search": calm},
        verdicts={"search": verdict},
        series={"search.latency": series, "search.status": series},
    )
    said = text(judged_rows(snapshot, "search", 160, UNICODE))
    assert re.search(
        r"ok at least since \S+, for 2 min, with latency 1.2 s at \d\d:\d\d: critical, too short to count", said[-1]
    ), said
    later = replace(snapshot, verdicts={"search": replace(verdict, since=at + 70)})
    assert "too short" not in " ".join(text(judged_rows(later, "search", 160, UNICODE)))


async def test_the_axis_of_a_chart_ends_in_0_and_the_highest_value_wherever_a_threshold_falls() -> None:
    async with helm(*COPIED) as at:
        for values in (0.003, 3.0, 0.003):
            await at.reads(read(at=Clocks().boot(), values={"latency": values}))
        chart = TargetPane("api")
        plan = at.station.session.plan
        assert plan is not None
        for warning in ("150 ms", "2.9 s"):
            target = replace(plan.procedure.targets["api"], bands={"latency": Bands(warning=warning)})
            targets = {**plan.procedure.targets, "api": target}
            changed = replace(plan, procedure=replace(plan.procedure, targets=targets))
            snapshot = replace(at.snapshot, session=replace(at.snapshot.session, plan=changed))
            reading = snapshot.readings["api"]
            rows = text(chart._area(snapshot, reading, "latency", [Span(0.003, 3.0)] * 40, ["ok"] * 40))
            assert rows[0].split()[:2] == ["3", "s"]
            assert rows[-1].split()[0] == "0"


def test_a_refused_answer_says_what_was_expected_and_a_pending_one_what_it_waits_for() -> None:
    snapshot = night.slow_search()
    reading = replace(
        snapshot.readings["search"], status="ok", raw="critical", flags=("pending",), message="answered 503",
        values={"latency": 0.1, "code": 503.0},
    )  # fmt: skip
    verdict = Verdict(status="ok", since=4_000.0, raw="critical", count=1, is_whole=False, counts_all=True)
    snapshot = replace(snapshot, readings={"search": reading}, verdicts={"search": verdict})
    said = text(judged_rows(snapshot, "search", 100, UNICODE))
    assert said[0] == "   ✖ answered 503; expected: an answer 200"
    assert said[2:] == [
        "   to be confirmed: its last reading says critical: 1 in a row, and 2 count",
        "   ok at least since 01:43:20, for 17 min",
    ]


def test_what_it_was_asked_names_credentials_only_and_leaves_the_query_away() -> None:
    said = text(asked_rows(night.slow_search(), "search", 100))
    assert said[:3] == [
        "   GET https://search.example/orders?…",
        "   header Authorization: from env:SEARCH_TOKEN",
        "   header Accept: application/json",
    ]
    assert said[3].startswith("   every 5 s; deadline 2 s; stale after 15 s; the last one took ")
    assert "4711" not in "".join(said)


def test_values_are_words_where_a_number_means_nothing_to_a_person() -> None:
    reading = read()
    told_as = {
        ("local", "container"): "yes", ("local", "storage[/var].read_only"): "no",
        ("http", "code"): "502 Bad Gateway", ("local", "storage[/var].free"): "5.0 GiB",
        ("http", "cert_days"): "12 days",
    }  # fmt: skip
    given = {"container": 1.0, "storage[/var].read_only": 0.0, "code": 502.0, "cert_days": 12.3}
    for (kind, metric), said in told_as.items():
        assert shown_value(kind, reading, metric, given.get(metric, 5 * 2.0**30)) == said
    here = replace(night.snapshot(), readings={"here": replace(reading, target="here", values={**given})})
    assert [line.split("  ")[1].strip() for line in text(value_rows(here, "here"))] == [
        "in a container", "/var read-only", "code", "certificate lasts",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [20, 32, 70, 106, 230])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_no_row_is_wider_than_the_screen(width: int, glyphs: Glyphs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TargetPane, "look", Look(NIGHT, glyphs))
    snapshot = night.slow_search()
    for target in ("search", "here", "replica-lag", "orders-api"):
        shown = TargetPane(target)
        shown.before_paint(snapshot, width)
        rows = [shown.row(snapshot, y, width) for y in range(shown.row_count(snapshot))]
        cut = [row for row in rows if width_of(row) > width and not text([row])[0].startswith("   ")]
        assert not cut, text(cut)


def test_without_a_picture_the_least_and_the_most_are_said_with_their_times() -> None:
    said = text(told(night.slow_search(), "search", 100, UNICODE))
    (latency,) = [line for line in said if line.startswith("   latency was between 180.0 ms at 01:")]
    assert latency.endswith("and 1.23 s at 01:59")
    assert any("01:50 to now    7 Reindex orders, running, 9 min" in line for line in said)


# -- the ways to it

SLOW = Reading(
    target="api", at=time.time(), boot=Clocks().boot(), status="critical", raw="critical", interval=2.0,
    max_age=900.0, values={"latency": 1.2, "code": 503.0, "status": "critical"}, message="answered 503",
)  # fmt: skip


async def test_a_guard_its_banner_next_and_the_key_lead_to_the_target_in_question() -> None:
    async with helm(*COPIED, station=FakeStation(PROCEDURE)) as at:
        assert not [label for _, label, _ in at.app.keys.footer() if label.startswith("why")]
        await at.reads(SLOW)
        assert ("i", "why api", False) in at.app.keys.footer()
        await at.press("i")
        assert opened(at) == "api", "one that is bad is opened without asking"
        await at.press("escape")
        at.station.do(intents.GuardHolds(guard="slow", reason="API slow: api.latency is 1.2 s", value=1.2), ITSELF)
        await at.settle()
        at.app.tick()
        await at.settle()
        for name in ("banner", "next"):
            await at.pilot.click(pane(at, name), offset=(20, 0))
            await at.settle()
            assert opened(at) == "api", name
            await at.press("escape")
        await at.reads(replace(SLOW, target="here", values={"cpu": 99.0}, message="cpu critical"))
        await at.press("I")
        assert isinstance(at.screen, FormBar)
        await at.press("enter")
        assert opened(at) == "api", "of several it asks, the one that the guard reads first"
        assert isinstance(at.screen, TargetReader)
        before = at.screen.target._chart_title(at.snapshot)
        await at.press("right")
        assert before.startswith("latency over the session")
        assert at.screen.target._chart_title(at.snapshot).startswith("code over the session")
        await at.press("H")
        assert not isinstance(at.screen, TargetReader), "a halt turns it to the plan"


async def test_while_all_is_well_the_key_leads_to_what_the_chosen_step_names() -> None:
    text = PROCEDURE.replace("title: Copy the table\n", "title: Copy the table\n        targets: [here]\n")
    async with helm(*COPIED, station=FakeStation(text)) as at:
        pane(at, "procedure").focus()
        at.app.desk.picked = "copy"
        await at.press("i")
        assert opened(at) == "here"
        await at.press("escape")
        at.app.desk.picked = "announce"
        await at.press("i")
        assert [choice.value for choice in at.form.fields[0].choices] == ["here", "api"]


async def test_plain_mode_tells_everything_of_a_target_and_how_all_are() -> None:
    made, out = FakeStation(PROCEDURE), Paper()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    running = asyncio.create_task(PlainDesk(made.connect, out).run(lines.get))
    await out.shows("Type a command")
    made.reads(SLOW)
    lines.put_nowait("why")
    await out.shows("answered 503; expected: an answer 2xx")
    for said in ("GET http://127.0.0.1:1/", "API slow: quiet", "latency was 1.2 s all the time", "503 Service Unav"):
        await out.shows(said)
    lines.put_nowait("watched")
    await out.shows("here  local, no reading yet")
    lines.put_nowait(None)
    await running


def test_a_guard_is_about_every_target_that_its_conditions_read() -> None:
    guard = replace(night.SLOW, release="here.cpu < 50 % and billing.status == ok")
    assert targets_of(guard) == {"search", "here", "billing"}
