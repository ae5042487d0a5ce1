"""Clocks, lateness, recorders and the station's own life: what each event is, does and says."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from quarterdeck.session.event import Event
from quarterdeck.session.events.shared import Level, Payload, StepPayload, pause
from quarterdeck.session.state import Session, StepRun
from quarterdeck.session.told import Told, why_of
from quarterdeck.spans import span

__all__ = [
    "ClockStepped",
    "FactNoted",
    "LateNoticed",
    "RecorderChanged",
    "ReplicaBurned",
    "StationRestarted",
    "StatusDue",
    "StepLate",
]


class StepLate(StepPayload, frozen=True, kw_only=True):
    """Said once: past its duration, or past twice of it."""

    kind = "step.late"
    rings = True
    attention = "warning"
    times: int = 1

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        run.late = self.times

    def sentence(self, told: Told) -> str:
        return f"{told.step} takes longer than {'twice its duration' if self.times > 1 else 'planned'}"


class ClockStepped(Payload, frozen=True, kw_only=True):
    """The wall clock jumped against the boot clock; the session's clock did not."""

    kind = "clock.stepped"
    attention = "alarm"
    by: float
    """Seconds, positive for forward."""

    def sentence(self, told: Told) -> str:
        way = "forward" if self.by > 0 else "back"
        return f"the wall clock jumped {span(abs(self.by))} {way}; the session's clock did not"


class LateNoticed(Payload, frozen=True, kw_only=True):
    """Said once: decide-by reached `warn` or zero, or the forecast passed window.end - reserve."""

    kind = "late.noticed"
    rings = True
    what: Literal["decide_by_warn", "decide_by_zero", "forecast"]
    detail: str = ""

    @property
    def attention(self) -> Level:
        return "alarm" if self.what == "decide_by_zero" else "warning"

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.late.append(self.what)

    def sentence(self, told: Told) -> str:
        words = {
            "decide_by_warn": "decide-by comes near",
            "decide_by_zero": "ROLLBACK NO LONGER FITS the window",
            "forecast": "by the forecast the work ends too late",
        }
        return f"{words[self.what]}{why_of(self.detail)}"


class StatusDue(Payload, frozen=True, kw_only=True):
    """The next status update is due, as `progress_every` of the procedure asks for."""

    kind = "status.due"
    rings = True
    attention = "notice"
    number: int
    """From 1 since Start; what came due while no station lived is not made up for."""

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.updates_due = self.number

    def sentence(self, told: Told) -> str:
        return f"status update {self.number} is due: say how it stands"


class StationRestarted(Payload, frozen=True, kw_only=True):
    """A station left while the session was live: a crash; running reopens as paused."""

    kind = "station.restarted"
    attention = "alarm"
    gap: float = 0.0
    """Seconds since the station before said last that it lived, or since the last event where that was later."""
    found: dict[str, str] = field(default_factory=dict)
    """Step id to what became of its command: `finished`, `alive`, `lost`."""

    def apply(self, session: Session, event: Event, at: float) -> None:
        if session.is_live_session:
            session.paused_by = event.actor.login
            session.pause_reason = "the station was restarted"
            pause(session, at)

    def sentence(self, told: Told) -> str:
        words = {"finished": "finished meanwhile", "alive": "still runs", "lost": "was lost"}
        found = "; ".join(f"{told.name(step)} {words.get(how, how)}" for step, how in self.found.items())
        away = span(self.gap) if self.gap >= 0.5 else "less than a second"
        return f"the station was away for {away} and is back{'; ' if found else ''}{found}"


class RecorderChanged(Payload, frozen=True, kw_only=True):
    """A recorder was lost, repaired or came back."""

    kind = "recorder.changed"
    recorder: str
    state: str
    detail: str = ""

    @property
    def attention(self) -> Level:
        return "notice" if self.state == "ok" else "alarm"

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.recorders[self.recorder] = self.state

    def sentence(self, told: Told) -> str:
        return f"{self.recorder} is {self.state}{why_of(self.detail)}"


class ReplicaBurned(Payload, frozen=True, kw_only=True):
    """This replica's id is not used again, the session goes on under a new one.

    An old copy was restored, or events of that replica were refused or are lost (`last`).
    """

    kind = "replica.burned"
    attention = "warning"
    old: str
    why: str = ""
    last: int | None = None
    """Number of its last event that counts: whatever bears a later one was refused or is lost. None: all count."""

    def sentence(self, told: Told) -> str:
        if self.last is None:
            return f"an old copy was restored: going on under a new name{why_of(self.why)}"
        return f"nothing after event {self.last} of {self.old} counts: going on under a new name{why_of(self.why)}"


class FactNoted(Payload, frozen=True, kw_only=True):
    """Something that the program says about itself, in words."""

    kind = "fact.noted"
    text: str
    level: Literal["info", "warning", "alarm"] = "info"

    @property
    def attention(self) -> Level:
        return self.level

    def sentence(self, told: Told) -> str:
        return self.text
