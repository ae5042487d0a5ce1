"""Kinds about polls, guards, criteria, clocks and the station's own life."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from quarterdeck.session.events.base import Payload

__all__ = [
    "ClockStepped",
    "CriterionAnswered",
    "FactNoted",
    "GuardCleared",
    "GuardOverridden",
    "GuardWarned",
    "HaltProposed",
    "LateNoticed",
    "PollAnswered",
    "PollClosed",
    "PollOpened",
    "ProposalDismissed",
    "ProposalLapsed",
    "RecorderChanged",
    "ReplicaBurned",
    "StationRestarted",
    "WindowExtended",
]


class PollOpened(Payload, frozen=True, kw_only=True):
    """A go/no-go poll is asked."""

    kind = "poll.opened"


class PollAnswered(Payload, frozen=True, kw_only=True):
    """One role's answer."""

    kind = "poll.answered"
    role: str
    answer: Literal["go", "no_go", "go_with_comment"]
    comment: str = ""
    by_phone: str = ""


class PollClosed(Payload, frozen=True, kw_only=True):
    """The poll's attempt is over."""

    kind = "poll.closed"
    result: Literal["go", "no_go", "timeout", "void"]
    reason: str = ""


class GuardWarned(Payload, frozen=True, kw_only=True):
    """A guard's condition holds; nothing is proposed."""

    kind = "guard.warned"
    guard: str
    reason: str = ""


class HaltProposed(Payload, frozen=True, kw_only=True):
    """A guard proposes a halt; a person presses it (R13)."""

    kind = "guard.proposed"
    guard: str
    reason: str
    """Title and data point: `Order API too slow: p95(orders-api.latency, 1m) is 912 ms, above 800 ms`."""
    until: float
    """Session time at which it becomes a pause."""
    value: float | None = None
    """The data point that a worsening is measured against."""


class ProposalDismissed(Payload, frozen=True, kw_only=True):
    """The lead dismissed it with a reason."""

    kind = "guard.dismissed"
    guard: str
    reason: str


class ProposalLapsed(Payload, frozen=True, kw_only=True):
    """Nobody answered: it became a pause."""

    kind = "guard.lapsed"
    guard: str


class GuardCleared(Payload, frozen=True, kw_only=True):
    """The condition no longer holds."""

    kind = "guard.cleared"
    guard: str


class GuardOverridden(Payload, frozen=True, kw_only=True):
    """The guard is quiet until `until`, with a reason (an exception)."""

    kind = "guard.overridden"
    guard: str
    reason: str
    until: float = 0.0
    """Session time; 0: until the end."""


class CriterionAnswered(Payload, frozen=True, kw_only=True):
    """A criterion that a person was asked for."""

    kind = "criterion.answered"
    criterion: str
    satisfied: bool
    note: str = ""


class WindowExtended(Payload, frozen=True, kw_only=True):
    """The window ends later (R31)."""

    kind = "window.extended"
    end: float
    reason: str
    approver: str = ""


class ClockStepped(Payload, frozen=True, kw_only=True):
    """The wall clock jumped against the boot clock; the session's clock did not."""

    kind = "clock.stepped"
    by: float
    """Seconds, positive for forward."""


class LateNoticed(Payload, frozen=True, kw_only=True):
    """Said once: decide-by reached `warn` or zero, or the forecast passed window.end - reserve."""

    kind = "late.noticed"
    what: Literal["decide_by_warn", "decide_by_zero", "forecast"]
    detail: str = ""


class StationRestarted(Payload, frozen=True, kw_only=True):
    """A station left while the session was live: a crash; running reopens as paused."""

    kind = "station.restarted"
    gap: float = 0.0
    """Seconds since the last event."""
    found: dict[str, str] = field(default_factory=dict)
    """Step id to what became of its command: `finished`, `alive`, `lost`."""


class RecorderChanged(Payload, frozen=True, kw_only=True):
    """A recorder was lost, repaired or came back."""

    kind = "recorder.changed"
    recorder: str
    state: str
    detail: str = ""


class ReplicaBurned(Payload, frozen=True, kw_only=True):
    """A restored old copy: this replica's id is not used again, it goes on under a new one."""

    kind = "replica.burned"
    old: str
    why: str = ""


class FactNoted(Payload, frozen=True, kw_only=True):
    """Something that the program says about itself, in words."""

    kind = "fact.noted"
    text: str
    level: Literal["info", "warning", "alarm"] = "info"
