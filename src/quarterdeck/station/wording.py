"""What `${…}` stands for when a command of a step runs: parameters, recorded values, the station's own, secrets.

Secrets are looked up by reference at the last moment and only handed to the command's order; everything that is kept
or shown goes through redaction with the same values. Called by `orders` and `verification`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from quarterdeck.errors import QuarterdeckError
from quarterdeck.procedure.model import Procedure, Step
from quarterdeck.procedure.substitution import environment_name, leading_dash_refused, references, substitute
from quarterdeck.regular_files import read_regular
from quarterdeck.session.state import Session

__all__ = ["Wording", "secret"]

MOST_SECRET = 64 * 1024


def secret(reference: str, own: Mapping[str, str]) -> str:
    """The secret that `env:NAME` or `file:PATH` names. QuarterdeckError, without its value, where there is none."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        if name in own:
            return own[name]
        raise QuarterdeckError(
            f"The secret {reference} is not set where the station runs", hint="set it, then start the station anew"
        )
    if kind == "file":
        try:
            content = read_regular(Path(name).expanduser(), MOST_SECRET, follow=True)
        except OSError as error:
            raise QuarterdeckError(f"The secret {reference} cannot be read: {error.strerror}") from error
        return content.decode(errors="surrogateescape").rstrip("\r\n")
    raise QuarterdeckError(f"Secrets of the kind {kind}: cannot be read here", hint="use env:NAME or file:PATH")


class Wording:
    """Fills in references for one session's commands."""

    def __init__(self, home: Path, own: Mapping[str, str] | None = None) -> None:
        """`home` is the state folder; `own` the person's environment (the station's by default)."""
        self._home = home
        self._own = os.environ if own is None else own
        self._known: set[str] = set()

    def secrets(self) -> list[str]:
        """Every secret value that was handed to a command so far: what redaction takes out."""
        return list(self._known)

    def learn(self, procedure: Procedure) -> None:
        """Know the procedure's secrets for redaction; one that cannot be read now is said when a step needs it."""
        for name, param in procedure.params.items():
            if param.secret and name in procedure.values:
                try:
                    self._known.add(secret(procedure.values[name], self._own))
                except QuarterdeckError:
                    continue

    def values(self, session: Session, step: Step, *, secrets: bool) -> dict[str, str]:
        """Every reference that has a value now; those to secrets only where asked for."""
        assert session.plan is not None
        procedure = session.plan.procedure
        run = session.steps.get(step.id)
        found = {name: value for name, value in procedure.values.items() if not _is_secret(procedure, name)}
        for other in session.steps.values():
            for name, value in other.values.items():
                found[f"{other.id}.{name}"] = value
        found |= {
            "quarterdeck.session": session.id,
            "quarterdeck.step": step.id,
            "quarterdeck.home": str(self._home),
            "quarterdeck.attempt": str(run.attempt + (run.state != "running") if run is not None else 1),
        }
        if secrets:
            needed = _needed(step)
            for name in procedure.values:
                if _is_secret(procedure, name) and (name in needed or step.shell):
                    found[name] = secret(procedure.values[name], self._own)
                    self._known.add(found[name])
        return found

    def argv(self, session: Session, words: tuple[str, ...], values: Mapping[str, str]) -> list[str]:
        """A command's words, filled in. QuarterdeckError for an unknown reference, or what looks like an option."""
        for word in words:
            for name, at in references(word):
                value = values.get(name, "")
                if at == 0 and "." in name and leading_dash_refused(value, _pattern(session, name)):
                    raise QuarterdeckError(
                        f"The recorded value {name} begins with `-` and could be taken for an option",
                        hint="give its record field a pattern",
                    )
        return [substitute(word, values) for word in words]

    def environment(self, step: Step, values: Mapping[str, str]) -> dict[str, str]:
        """What the step declares, and for a script all values as variables."""
        declared = {name: substitute(text, values) for name, text in step.env.items()}
        return (
            {environment_name(name): value for name, value in values.items()} | declared if step.shell else declared
        )


def _needed(step: Step) -> set[str]:
    texts = [*step.command, *step.stop, *step.env.values(), *(step.progress.command if step.progress else ())]
    for item in (*step.verify, *([step.gone] if step.gone else [])):
        texts += [*item.command, *([item.expect.value, item.expect.upper] if item.expect else [])]
    return {name for text in texts for name, _ in references(text)}


def _is_secret(procedure: Procedure, name: str) -> bool:
    return name in procedure.params and procedure.params[name].secret


def _pattern(session: Session, name: str) -> str:
    """The pattern that vouches for a recorded value; a number needs none."""
    assert session.plan is not None
    step, _, field = name.rpartition(".")
    for record in session.plan.steps[step].record if step in session.plan.steps else ():
        if record.name == field:
            return record.pattern or ("number" if record.type in {"integer", "number"} else "")
    return ""
