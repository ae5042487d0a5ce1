"""What was worked out of a session since its last event, so that no reading walks over all steps twice.

A memo is no part of the state: every one equals every other. It remembers nothing while an event is applied, when the
state is half changed. Readings that depend on the time must never be kept here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["Memo"]

T = TypeVar("T")


class Memo:
    """One session's readings, by name."""

    __slots__ = ("_applying", "_known", "_plan")
    __hash__ = None  # type: ignore[assignment]  # it stands in a session, which has none either

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}
        self._applying = False
        self._plan: object = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Memo)

    def __repr__(self) -> str:
        return "Memo()"

    def pause(self) -> None:
        """An event is being applied: everything is read again."""
        self._applying = True

    def begin(self) -> None:
        """The event is applied: what is read from now on stays."""
        self._applying = False
        if self._known:
            self._known = {}

    def of(self, name: str, plan: object, work: Callable[[], T]) -> T:
        """The reading of this name under this plan, worked out at most once between two events."""
        if self._applying:
            return work()
        if plan is not self._plan:
            self._known = {}
            self._plan = plan
        known = self._known
        if name not in known:
            known[name] = work()
        found: T = known[name]
        return found
