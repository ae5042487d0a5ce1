"""Secrets that cannot be read now, and what of the session still needs them. Pure.

The station says which cannot be read; the banner, the bars before a start and the preview of a rollback say it on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from quarterdeck.procedure.secrets import how_to_set, named_secrets
from quarterdeck.session.rollback import preview
from quarterdeck.session.state import FINISHED, Session

__all__ = ["Missing", "missing_for", "missing_in_rollback", "missing_later"]


class Missing(Struct, frozen=True):
    """One secret that is needed and cannot be read."""

    name: str
    reference: str
    steps: tuple[str, ...]
    """Ids of the steps that name it."""
    words: str
    """`secret token is not set: 3 Dump needs it`"""

    @property
    def hint(self) -> str:
        """What to do."""
        return how_to_set(self.reference)


def missing_later(session: Session, unset: Mapping[str, str]) -> tuple[Missing, ...]:
    """What steps that may still run need: forward, undo, contingency and closing. `unset`: secrets to references."""
    plan = session.plan
    if plan is None or not unset or session.is_over:
        return ()
    key = f"missing {sorted(unset)}"
    return session.index.of(key, lambda: missing_for(session, unset, _may_run(session)))


def missing_in_rollback(session: Session, unset: Mapping[str, str]) -> tuple[Missing, ...]:
    """What the rollback needs, as it would be committed now."""
    return missing_for(session, unset, [item.step for item in preview(session).items]) if unset else ()


def missing_for(session: Session, unset: Mapping[str, str], steps: Iterable[str]) -> tuple[Missing, ...]:
    """What these steps need."""
    if session.plan is None:
        return ()
    naming = _naming(session)
    needed: dict[str, list[str]] = {}
    for identity in steps:
        for name in naming.get(identity, ()):
            if name in unset:
                needed.setdefault(name, []).append(identity)
    return tuple(_missing(session, name, unset[name], found) for name, found in needed.items())


def _naming(session: Session) -> dict[str, Collection[str]]:
    """The steps that name secrets, to those, in the order of the session's steps."""
    plan = session.plan
    assert plan is not None

    def work() -> dict[str, Collection[str]]:
        named = {i: named_secrets(plan.procedure, plan.steps[i]) for i in session.steps if i in plan.steps}
        return {identity: names for identity, names in named.items() if names}

    return session.index.of_plan("naming secrets", work)


def _missing(session: Session, name: str, reference: str, steps: Collection[str]) -> Missing:
    first = next(iter(steps))
    more = f" and {len(steps) - 1} more need it" if len(steps) > 1 else " needs it"
    words = f"secret {name} is not set: {session.name_of(first)}{more}"
    return Missing(name, reference, tuple(steps), words)


def _may_run(session: Session) -> list[str]:
    """Of what names a secret, all that is not finished; of undo steps those of what has or may get an effect."""
    assert session.plan is not None
    found = []
    back = session.phase == "rolling_back" or session.closing_from in {"rollback", "contingency"}
    for identity in _naming(session):
        run, place = session.steps[identity], session.plan.places[identity]
        if run.state in FINISHED or (back and place.part in {"stages", "preconditions"}):
            continue
        undone = session.steps.get(place.undoes) if place.undoes else None
        if undone is not None and (undone.undone or (undone.effect == "none" and (back or undone.state in FINISHED))):
            continue
        found.append(identity)
    return found
