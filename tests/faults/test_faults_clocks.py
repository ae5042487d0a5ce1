"""Wall clocks that jump, in the middle of a session; the time that is left does not."""

from __future__ import annotations

import datetime as dt
import time
from functools import partial

import msgspec
import pytest
from faultkit import Night, gone, wait_until

from quarterdeck.session import intents
from quarterdeck.session.event import Moment
from quarterdeck.session.forecast import clocks
from quarterdeck.session.state import Session
from quarterdeck.station.sessions import open_session, read_window

FAKED = """
import os, time
whole = time.time
def faked():
    with open(os.environ["FAKED_CLOCK"]) as file:
        return whole() + float(file.read() or 0)
time.time = faked
"""
"""A station whose wall clock is as many seconds off as a file says. libfaketime would do the same from outside, but
lets sleeps of threads fail."""


def set_clock(night: Night, off: float) -> None:
    """Set the station's wall clock, in one go."""
    fresh = night.scratch / "clock.new"
    fresh.write_text(str(off))
    fresh.replace(night.scratch / "clock")


def start_faked(night: Night, off: float, **env: str) -> None:
    """Start the session's station with a clock of its own."""
    set_clock(night, off)
    night.start_station(FAKED, FAKED_CLOCK=str(night.scratch / "clock"), **env)


def left(night: Night) -> float:
    """Seconds that are left of the window, by the newest event's clocks."""
    return left_at(night.session(), night.events()[-1].t)


def left_at(session: Session, at: Moment) -> float:
    """Seconds that are left of the window at a moment."""
    found = clocks(session, session.clock(at))
    assert found is not None
    return found.window_left


def steps(night: Night) -> list[float]:
    """By how much the wall clock jumped, each time that the session noticed."""
    return [msgspec.json.decode(bytes(event.data))["by"] for event in night.events() if event.kind == "clock.stepped"]


def jumped(night: Night, times: int) -> bool:
    """Whether the session noticed so many jumps."""
    return len(steps(night)) >= times


def test_a_wall_clock_that_jumps_by_an_hour_to_1970_and_to_2038_leaves_the_window_alone(night: Night) -> None:
    night.open()
    start_faked(night, 0.0)
    night.begin()
    child = night.child("long")
    began, whole = time.monotonic(), left(night)
    assert 3000 < whole <= 3600
    for number, off in enumerate((3600.0, 0.0, 86400 - time.time(), 2177452800 - time.time()), 1):
        set_clock(night, off)
        wait_until(partial(jumped, night, number), what=f"jump {number}")
        night.do(intents.AddNote(text=f"jump {number}"))
        assert left(night) == pytest.approx(whole - (time.monotonic() - began), abs=2.0)
    first, second, third, fourth = steps(night)[:4]
    assert first == pytest.approx(3600, abs=2)
    assert second == pytest.approx(-3600, abs=2)
    assert third < -1e9
    assert fourth > 1e9
    night.do(intents.Halt(nonce="in-2039"))
    wait_until(lambda: gone(child), 2)
    assert night.session().state in {"halting", "halted"}
    control = [event.t for event in night.events() if event.kind == "note.added"]
    assert control[-1].wall - control[0].wall > 3e8, "the control: the wall clock really jumped"


@pytest.mark.parametrize(("day", "change"), [("2026-03-29 01:59:57", 60), ("2026-10-25 02:59:57", -60)])
def test_summer_time_begins_and_ends_in_the_middle_of_a_window(night: Night, day: str, change: int) -> None:
    zone = dt.timezone(dt.timedelta(hours=1 if change > 0 else 2))
    at = dt.datetime.fromisoformat(day).replace(tzinfo=zone)
    window = f"{at.isoformat()}/{(at + dt.timedelta(hours=1)).isoformat()}"
    night.folder = open_session(night.write(), home=night.home, window=read_window(window))
    start_faked(night, at.timestamp() - time.time(), TZ="Europe/Berlin")
    night.do(intents.StartSession())
    first = night.events()[-1].t
    assert left(night) == pytest.approx(3600, abs=30)

    def changed() -> bool:
        night.do(intents.AddNote(text="tick"))
        return night.events()[-1].t.off != first.off

    wait_until(changed, 15, "the change of the clocks")
    last = night.events()[-1].t
    assert last.off - first.off == change
    assert left(night) == pytest.approx(3600, abs=30)
    assert steps(night) == [], "the same clock with another name is no jump"


def test_a_session_that_was_suspended_lost_that_time_of_its_window(night: Night) -> None:
    night.open()
    night.do(intents.StartSession())
    session = night.session()
    last = night.events()[-1].t
    slept = Moment(wall=last.wall + 1800, boot=last.boot, bt_ns=last.bt_ns + 1800 * 10**9)
    assert left_at(session, slept) == pytest.approx(left(night) - 1800, abs=1.0)
