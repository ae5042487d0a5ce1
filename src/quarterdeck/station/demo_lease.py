"""A demo's world lives while its lease is renewed: the station of a demo session does that.

A file `keep` in the world's home, touched while the session is not over and somebody is there, or has said that he
comes back. Generic: any session whose purpose is `demo` and that has a parameter `home`.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from quarterdeck.session.state import Session

__all__ = ["RENEW_EVERY", "Lease"]

RENEW_EVERY = 10.0
DETACHED = 1800.0
"""Seconds for which the world is kept for somebody who detached."""


class Lease:
    """One session's lease, if it has one."""

    def __init__(self) -> None:
        self._renewed = -RENEW_EVERY
        self._left: float | None = None
        self.ended = False

    def somebody_left(self, now: float, *, saying_so: bool) -> None:
        """The last console went; one that said so comes back."""
        self._left = now if saying_so else None

    def renew(self, session: Session, now: float, *, watched: bool) -> None:
        """Once a second; `now` on the loop's clock."""
        home = _home(session)
        if home is None or self.ended or session.is_over or now - self._renewed < RENEW_EVERY:
            return
        if watched or self.wanted(now):
            self._renewed = now
            with contextlib.suppress(OSError):
                (home / "keep").touch()

    def wanted(self, now: float) -> bool:
        """Whether somebody detached who may still come back."""
        return self._left is not None and now - self._left < DETACHED

    def end(self, session: Session) -> None:
        """The world is not wanted any more."""
        home = _home(session)
        self.ended = True
        if home is not None:
            with contextlib.suppress(OSError):
                (home / "stop").touch()


def _home(session: Session) -> Path | None:
    """The home of the demo's world; nothing is touched where there is none yet."""
    named = session.params.get("home", "") if session.purpose == "demo" else ""
    if not named and session.purpose == "demo" and session.plan is not None:
        named = session.plan.procedure.values.get("home", "")
    home = Path(named) if named else None
    return home if home is not None and home.is_absolute() and home.is_dir() else None
