from __future__ import annotations

import msgspec
import pytest

from quarterdeck.procedure.model import Step
from quarterdeck.session.event import Actor, Event, Moment
from quarterdeck.session.events import KINDS, Payload, attention, rings, sentence
from quarterdeck.session.state import Session
from quarterdeck.session.told import in_short
from quarterdeck.spans import span

EXAMPLES: dict[str, dict[str, object]] = {
    "session.opened": {"title": "Night", "procedure": "p"},
    "plan.revised": {"text": "x"},
    "command.gone_read": {"proof": {"title": "idle", "ok": False, "read": "1 runs"}},
    "checklist.ticked": {"item": "window-approved"},
    "session.started": {"start": 0.0, "end": 3600.0, "reserve": 60.0, "warn": 60.0},
    "halt.called": {"nonce": "n"},
    "halt.reason_given": {"nonces": ("n",), "reason": "too slow"},
    "session.went_on": {"answers": ("n",)},
    "recheck.accepted": {"reason": "known"},
    "undo.decided": {"choice": "by_hand"},
    "session.abandoned": {"reason": "late", "handover": "dana cleans up"},
    "session.ended": {"outcome": "rolled_back"},
    "step.accepted": {"reason": "known"},
    "step.skipped": {"reason": "not needed"},
    "step.signed": {"role": "qa"},
    "effect.declared": {"effect": "partial"},
    "command.left_running": {"run": "r", "processes": ("12 root sleep 300",)},
    "command.left_answered": {"run": "r", "choice": "end"},
    "command.left_ended": {"run": "r"},
    "command.output_withheld": {"run": "r", "reason": "nobody knows"},
    "step.estimated": {"rest": 240.0},
    "step.added": {"added": Step(id="x", title="Restart the cache")},
    "value.recorded": {"name": "rows", "value": "12"},
    "note.added": {"text": "slow"},
    "poll.answered": {"role": "qa", "answer": "no_go"},
    "poll.closed": {"result": "no_go"},
    "guard.warned": {"guard": "g"},
    "guard.proposed": {"guard": "g", "reason": "slow: 912 ms", "until": 120.0},
    "guard.dismissed": {"guard": "g", "reason": "known"},
    "guard.lapsed": {"guard": "g"},
    "guard.cleared": {"guard": "g"},
    "guard.blind": {"guard": "g", "why": "api.latency was never read"},
    "guard.sees": {"guard": "g"},
    "status.due": {"number": 2},
    "guard.overridden": {"guard": "g", "reason": "known"},
    "criterion.answered": {"criterion": "users", "satisfied": False},
    "window.extended": {"end": 7200.0, "reason": "vacuum"},
    "clock.stepped": {"by": -90.0},
    "late.noticed": {"what": "decide_by_zero"},
    "recorder.changed": {"recorder": "logbook", "state": "gone"},
    "replica.burned": {"old": "r"},
    "fact.noted": {"text": "the disk is full"},
}


def make(kind: str, **fields: object) -> Event:
    what = msgspec.convert(msgspec.to_builtins({**EXAMPLES.get(kind, {}), **fields}), KINDS[kind])
    return event(what, kind)


def event(what: Payload, kind: str) -> Event:
    data = msgspec.Raw(msgspec.json.encode(what))
    return Event(1, "s", "r", 1, "", 1, kind, Actor("dana", role="dba"), Moment(0.0), data, step="count")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_one_clear_line(kind: str) -> None:
    text = sentence(make(kind), None)
    assert text
    assert "\n" not in text
    assert len(text) < 200
    assert attention(make(kind)) in {"info", "notice", "warning", "alarm"}


def test_a_kind_of_a_newer_version_is_told_as_unknown() -> None:
    strange = Event(1, "s", "r", 1, "", 1, "moon.landed", Actor("dana"), Moment(0.0), msgspec.Raw(b"{}"))
    assert "moon.landed" in sentence(strange, None)


def test_a_halt_says_who_and_why() -> None:
    assert sentence(make("halt.called", reason="latency"), None) == "HALT by dba: latency"
    assert sentence(make("halt.called", source="guard", guard="api-slow"), None) == "HALT by guard api-slow"
    assert attention(make("halt.called")) == "alarm"


def test_a_failed_command_says_code_and_time() -> None:
    told = sentence(make("command.ended", exit_code=3, seconds=75.0), None)
    assert told == "count: command ended with code 3 after 75 s"
    assert attention(make("command.ended", exit_code=3)) == "warning"
    assert attention(make("command.ended", exit_code=0)) == "info"


def test_what_does_not_verify_says_what_was_read() -> None:
    proofs = [{"title": "index valid", "ok": False, "read": "f"}, {"title": "rows", "ok": None}]
    told = sentence(make("step.verified", proofs=proofs), None)
    assert told == "count NOT verified: index valid: read f; rows: read nothing"


def test_times_of_day_are_in_the_readers_zone_whatever_the_authors_was_and_without_one_are_utc() -> None:
    for off in (0, 60, -300):
        extended = msgspec.structs.replace(make("window.extended", end=7200.0), t=Moment(0.0, off=off))
        assert sentence(extended, None, 60).startswith("window extended to 03:00:")
        assert sentence(extended, None, 0).startswith("window extended to 02:00:")
        assert sentence(extended, None).startswith("window extended to 02:00 UTC:")


def test_spans_are_for_people() -> None:
    assert [span(s) for s in (4, 89, 90, 540, 5400, 7200, -60)] == [
        "4 s", "89 s", "2 min", "9 min", "1 h 30 min", "2 h", "60 s",
    ]  # fmt: skip


def test_an_unknown_step_keeps_its_id() -> None:
    assert Session().name_of("count") == "count"
    assert Session().name_of("") == "the session"


def test_a_waiver_is_a_warning() -> None:
    granted = make("step.granted", waivers={"start_guard": "it is nearly done"})
    assert attention(granted) == "warning"
    assert "start guard waived: it is nearly done" in sentence(granted, None)
    assert attention(make("step.granted")) == "info"


def test_a_guards_reason_is_said_without_the_name_of_what_was_measured() -> None:
    reason = (
        "Pages are slow: p50(orders-api.value[checks.orders:queryLatency.observedValue], 10 s) is 120 ms, above 80 ms"
    )
    assert in_short(reason, "Pages are slow") == "Pages are slow: 120 ms, above 80 ms"
    assert in_short("Pages are slow: api.status is critical", "Pages are slow") == "Pages are slow: critical"
    assert in_short("said by somebody", "Pages are slow") == "said by somebody"


def test_what_a_command_left_running_is_told_and_needs_an_eye() -> None:
    many = tuple(f"{pid} root sleep {pid}" for pid in range(10, 15))
    ended = make("command.ended", exit_code=0, left_behind=many, stays=("9 root nginx: master",))
    assert "left running: 10 root sleep 10, 11 root sleep 11, 12 root sleep 12 and 2 more" in sentence(ended, None)
    assert sentence(ended, None).endswith("stays, as declared: 9 root nginx: master")
    assert attention(ended) == "warning"
    assert attention(make("command.ended", exit_code=0, stays=many)) == "info"
    assert "could NOT all be ended: 10 root" in sentence(make("command.left_ended", remaining=many), None)


def test_what_asks_a_person_or_grows_late_rings_and_a_kind_of_a_newer_version_does_not() -> None:
    ringing = {kind for kind in KINDS if rings(event(Payload(), kind))}
    asks = {"guard.proposed", "halt.called", "step.failed", "poll.opened"}
    assert ringing == asks | {"step.late", "late.noticed", "status.due"}
    assert not rings(event(Payload(), "of.tomorrow"))
