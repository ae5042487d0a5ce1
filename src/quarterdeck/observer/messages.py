"""The messages between the station and the observer process: frozen, small, without secrets.

Up come `Reading`, `Health` and `Finding`; down goes `Watch`. Must never import
anything heavy (the station and the console use these types too) and never hold a reference to a clock.

Units of values: `%` for cpu, memory, swap and storage used; bytes for `…free`, `…reserved` and `…total`; bytes a
second for disk and network; seconds for latency; plain for load. A value that could not be read is absent:
there is no NaN and no placeholder, so that an absent value is unknown (three-valued logic).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from quarterdeck.procedure.model import Target

__all__ = [
    "Finding",
    "Flag",
    "FromObserver",
    "Health",
    "Reading",
    "Status",
    "ToObserver",
    "Value",
    "Watch",
]

Status = Literal["ok", "warning", "critical", "unknown"]
Flag = Literal["pending", "stale", "flapping", "lagged"]
Value = float | str


class Message(Struct, frozen=True, kw_only=True, tag_field="is"):
    """Base of all messages; the tag says which one it is."""


class Reading(Message, frozen=True, kw_only=True, tag="reading"):
    """One result of one target."""

    target: str
    at: float
    """Wall clock, seconds since the epoch, when the result was there."""
    boot: float
    """Boot clock, seconds, of the same moment; ages are measured with it."""
    status: Status
    """What is confirmed: a change for the worse counts from `failure_threshold` results on, but an unknown
    at once, because unknown never counts as ok."""
    raw: Status
    """What this one result says by itself."""
    flags: tuple[Flag, ...] = ()
    """`pending`: `raw` differs from `status` and is being confirmed, or an unknown is. `stale`: older than
    `max_age`. `flapping`: changes too often. `lagged`: taken while the observer's own loop was more than
    100 ms late, so left out of statistics."""
    values: dict[str, Value] = field(default_factory=dict)
    """By the metric's name after the target: `cpu`, `storage[/].used`, `latency`, `status` (as `status`)."""
    units: dict[str, str] = field(default_factory=dict)
    """Base units of the values whose name does not tell theirs (`value[…]`); plain where not named."""
    message: str = ""
    """Why, for a person; short, printable, without secrets."""
    took: float = 0.0
    """Seconds from the start of the sample to its end."""
    interval: float
    """Seconds between two samples of this target."""
    max_age: float
    """Seconds after which this reading is stale."""
    skipped: int = 0
    """Ticks left out since the reading before, because a sample was still under way."""

    @property
    def is_ok(self) -> bool:
        """True for an ok that nothing speaks against: what a verification may rely on."""
        return self.status == "ok" == self.raw and not {"pending", "stale"} & set(self.flags)

    def value(self, name: str) -> Value | None:
        """The value of a metric of this target, or None where it could not be read."""
        return self.values.get(name)


class Health(Message, frozen=True, kw_only=True, tag="health"):
    """How sound the observer itself is, every few seconds; without it for long the observer hangs."""

    at: float
    boot: float
    lag: float
    """Worst lateness of its loop since the health before, seconds."""
    skew: float
    """Seconds by which the wall clock stepped against the boot clock since the health before."""
    skipped: int
    """Ticks that were left out since the health before."""
    sound: bool
    """Whether statistics over this time may be trusted."""
    dropped: int = 0
    """Readings that were thrown away since the health before, because the station did not read them."""


class Finding(Message, frozen=True, kw_only=True, tag="finding"):
    """Something about watching itself that a person should know: a hung mount, an observer that died."""

    at: float
    boot: float
    what: Literal["mount_hung", "mount_back", "observer_died", "observer_hung", "observer_back"]
    text: str
    target: str = ""
    """The target that it concerns, where there is one."""


class Watch(Message, frozen=True, kw_only=True, tag="watch"):
    """What to watch from now on; targets that stayed as they were go on undisturbed."""

    targets: dict[str, Target]
    metrics: tuple[str, ...] = ()
    """Metrics that guards, criteria and verifications use, with their target (`here.storage[/srv].free`):
    the observer sees to it that these are sampled, such as a path that is no mount of its own."""


FromObserver = Reading | Health | Finding
ToObserver = Watch
