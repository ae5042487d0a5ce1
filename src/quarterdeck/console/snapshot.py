"""One tick of the screen as one frozen value: everything that the panes show, and nothing that they ask for.

The app makes one each tick with `Snapshot.of` and hands it to the panes (`deck.snapshot = …`). What grows with
the procedure is lazy: `views` and `forecast` are worked out for the steps that a pane really shows. Must never do
I/O or read a clock: times come in as an `Instant`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

from quarterdeck.session.event import Actor
from quarterdeck.session.forecast import Forecast
from quarterdeck.session.forecast import clocks as clocks_of
from quarterdeck.session.next_line import NextLine, next_line
from quarterdeck.session.rollback import preview as preview_of

if TYPE_CHECKING:
    from quarterdeck.console.context import LinkWord
    from quarterdeck.console.series import Series
    from quarterdeck.console.store import Link, LogLine, Verdict
    from quarterdeck.observer.messages import Reading
    from quarterdeck.session.availability import View
    from quarterdeck.session.forecast import Clocks, Planned
    from quarterdeck.session.rollback import Preview
    from quarterdeck.session.state import Session
    from quarterdeck.station.wire.protocol import Marks, Standing, Tail

__all__ = ["Contact", "Instant", "Said", "Snapshot", "Views"]

Contact = Literal["ok", "connecting", "hung", "lost"]
"""Of the station: `hung` does not answer for 3 s, `lost` is gone."""

_CONTACT: dict[LinkWord, Contact] = {
    "connecting": "connecting",
    "live": "ok",
    "silent": "hung",
    "lost": "lost",
    "closed": "lost",
}

FORECAST_EVERY = 5.0
"""Seconds after which the forecast is worked out again although nothing happened."""


class Said(NamedTuple):
    """What this console tells its person just now, beside the log."""

    text: str
    """Through the gate."""
    level: Literal["information", "warning", "error"]


class Instant(NamedTuple):
    """One moment on the clocks of this console."""

    now: float
    """Session seconds."""
    wall: float
    """Epoch seconds."""
    boot: float
    """Boot clock, seconds."""


class Views(Mapping[str, "View"]):
    """How each step looks now, worked out when a pane asks and then remembered until the next tick."""

    __slots__ = ("_known", "_now", "_session")

    def __init__(self, session: Session, now: float) -> None:
        self._session = session
        self._now = now
        self._known: dict[str, View] = {}

    def __getitem__(self, step: str) -> View:
        known = self._known.get(step)
        if known is None:
            from quarterdeck.session.availability import view

            known = self._known[step] = view(self._session, step, self._now)
        return known

    def __iter__(self) -> Iterator[str]:
        plan = self._session.plan
        return iter(plan.steps if plan else ())

    def __len__(self) -> int:
        plan = self._session.plan
        return len(plan.steps) if plan else 0


class Snapshot(Struct, frozen=True, kw_only=True, eq=False):
    """Everything that the panes show at one moment. Compared by identity: a new one is a new tick."""

    session: Session
    """Filled by the fold; panes only read."""
    now: float
    """Session seconds."""
    wall: float
    """Epoch seconds, for the clock on the wall."""
    boot: float
    """Boot clock, seconds: ages of readings count from it."""
    me: Actor
    next_line: NextLine
    count: int = 0
    """`session.count` when this was made."""
    clocks: Clocks | None = None
    """None before Start."""
    forecast: Mapping[str, Planned] = {}
    forecast_at: float = 0.0
    """Session seconds of the moment that the forecast is for."""
    views: Mapping[str, View] = {}
    readings: Mapping[str, Reading] = {}
    """The latest of each target."""
    history: Mapping[str, Sequence[float]] = {}
    """Recent values by metric (`orders-api.latency`), oldest first, for graphs."""
    series: Mapping[str, Series] = {}
    """Values of each metric over the session, on the boot clock; of `status` their place in `store.RANKS`."""
    verdicts: Mapping[str, Verdict] = {}
    """How long each target has been as it is."""
    bases: Mapping[str, float] = {}
    """What a metric was before Start."""
    log: Sequence[LogLine] = ()
    """Append-only; the pane shows its end."""
    tails: Mapping[str, Tail] = {}
    """Live output by step."""
    marks: Marks | None = None
    standing: Standing | None = None
    contact: Contact = "ok"
    contact_since: float = 0.0
    """Session seconds since which contact is not ok."""
    read_only: str = ""
    """Why nothing may be written; empty otherwise."""
    halt_unconfirmed: str = ""
    """What to do, while a halt that was called here is not known to be durable; empty otherwise."""
    halt_sent: bool = False
    """A halt was pressed here and HALTED has not followed yet."""
    selected: str = ""
    """Id of the selected step."""
    off: int = 0
    """Minutes east of UTC in which times are shown."""
    others: Sequence[Snapshot] = ()
    """The other sessions of this host that are open, as this console watches them."""
    said: Said | None = None
    """Shown for some seconds; the log has it too."""

    @property
    def preview(self) -> Preview:
        """The rollback list as it would be now; the same one until something of it changes."""
        return preview_of(self.session)

    @classmethod
    def of(
        cls,
        store: Link,
        at: Instant,
        before: Snapshot | None = None,
        selected: str = "",
        others: Sequence[Snapshot] = (),
        said: Said | None = None,
    ) -> Snapshot:
        """What `store` knows at this instant. What did not change since `before` is taken over from there.

        The forecast of a step is worked out when it is looked at, anew when something happened, and otherwise every
        `FORECAST_EVERY` seconds. `selected` is the step that a person moved to; without one it follows the session.
        """
        session, now = store.session, at.now
        forecast, forecast_at = _forecast(session, now, before)
        line = next_line(session, now, store.me)
        return cls(
            session=session,
            now=now,
            wall=at.wall,
            boot=at.boot,
            off=store.off,
            said=said,
            me=store.me,
            next_line=line,
            count=session.count,
            clocks=clocks_of(session, now) if session.window is not None else None,
            forecast=forecast,
            forecast_at=forecast_at,
            views=Views(session, now),
            readings=dict(store.readings),  # a newer one is of the next tick, whatever is painted until then
            history=store.history,
            series=store.series,
            verdicts=store.verdicts,
            bases=store.bases,
            log=store.log,
            tails=store.tails,
            marks=store.marks,
            standing=store.standing,
            contact=_CONTACT[store.state],
            contact_since=now - (at.wall - store.since),
            read_only=store.read_only,
            halt_unconfirmed=store.halt_unconfirmed(),
            halt_sent=store.halt_sent(),
            selected=selected or line.step or _default(session, now),
            others=others,
        )


def _default(session: Session, now: float) -> str:
    """The step that is shown where nobody selected one: the first undo after a halt, else the current one."""
    if session.plan is None:
        return ""
    if session.live_halts() and session.rollback is None and (items := preview_of(session).items):
        return items[0].step
    from quarterdeck.session.availability import current

    return current(session, now) or _last(session)


def _last(session: Session) -> str:
    """Where nothing is left to do: the step that was worked on last, else the plan's first."""
    plan = session.plan
    assert plan is not None
    return next(reversed(session.index.begun), "") or next(iter(plan.forward), "")


def _forecast(session: Session, now: float, before: Snapshot | None) -> tuple[Mapping[str, Planned], float]:
    """The forecast, and of which moment it is: that of `before` while it holds."""
    same = before is not None and before.session is session and before.count == session.count
    if same and before is not None and 0 <= now - before.forecast_at < FORECAST_EVERY:
        return before.forecast, before.forecast_at
    return Forecast(session, now), now
