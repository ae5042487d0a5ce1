"""What `${…}` stands for when a command of a step runs: parameters, recorded values, the station's own, secrets.

Secrets are looked up by reference at the last moment, only those that the step names, and only handed to the
command's order; everything that is kept or shown goes through redaction with the same values. They are kept beside
the run's spool for as long as that lies there, since a station that is started again may not find them any more.
"""

from __future__ import annotations

import contextlib
import os
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path

import msgspec

from quarterdeck.errors import QuarterdeckError, StationError
from quarterdeck.procedure.model import Procedure, Step
from quarterdeck.procedure.parameters import environment_name, leading_dash_refused, references, substitute
from quarterdeck.procedure.secrets import environment_references, how_to_set, named_secrets, references_of
from quarterdeck.regular_files import read_regular
from quarterdeck.runner.files import OUTPUT, RESULT, SECRETS, write_atomic
from quarterdeck.runner.processes import descendants
from quarterdeck.session.state import Session
from quarterdeck.station.commands.redaction import Redactor, redactor_of

__all__ = ["Values", "secret"]

MOST_SECRET = 64 * 1024


def secret(reference: str, own: Mapping[str, str]) -> str:
    """The secret that `env:NAME` or `file:PATH` names. QuarterdeckError, without its value, where there is none."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        if name in own:
            return own[name]
        raise QuarterdeckError(
            f"The secret {reference} is not set where the station runs", hint=how_to_set(reference)
        )
    if kind == "file":
        try:
            content = read_regular(Path(name).expanduser(), MOST_SECRET, follow=True)
        except OSError as error:
            raise QuarterdeckError(
                f"The secret {reference} cannot be read: {error.strerror}", hint=how_to_set(reference)
            ) from error
        return content.decode(errors="surrogateescape").rstrip("\r\n")
    raise QuarterdeckError(f"The secret {reference} cannot be read", hint=how_to_set(reference))


class Values:
    """Fills in references for one session's commands."""

    def __init__(self, home: Path, own: Mapping[str, str] | None = None) -> None:
        """`home` is the state folder; `own` the person's environment (the station's by default)."""
        self._home = home
        self._given: dict[str, str] = {}
        self._own: Mapping[str, str] = ChainMap(self._given, dict(os.environ if own is None else own))
        self._known: set[str] = set()
        self._kept: dict[str, Path] = {}
        """Runs to the folders of their spools."""
        self._has_secrets = False
        self.unset: dict[str, str] = {}
        """Secrets of the procedure that could not be read when they were last looked for, to their references."""

    def redactor(self) -> Redactor:
        """What takes out every secret value that is known so far."""
        return redactor_of(frozenset(self._known))

    def clean(self, text: str) -> str:
        """`text` without the secrets that are known so far."""
        return self.redactor().text(text)

    # -- beside a spool --------------------------------------------------------------------------------------------

    def keep(self, run: Path) -> None:
        """Put what is known beside the spool in the folder `run`, 0600, so that its output is redacted by it.

        StationError where it cannot be written: then nothing may run.
        """
        if not self._has_secrets:
            return
        try:
            self._write(run)
        except OSError as error:
            raise StationError(
                f"What the command's output is redacted by cannot be kept: {error.strerror}", where=str(run)
            ) from error
        self._kept[run.name] = run

    def _write(self, run: Path) -> None:
        kept = [value.encode(errors="surrogateescape") for value in sorted(self._known)]
        write_atomic(run / SECRETS, msgspec.json.encode(kept), durable=False)

    def _know(self, value: str) -> None:
        """A secret, from now on; whoever reads an output that is growing is told by the file beside it."""
        if value in self._known:
            return
        self._known.add(value)
        for run in self._kept.values():
            if (run / SECRETS).exists():
                try:
                    self._write(run)
                except OSError:
                    with contextlib.suppress(OSError):
                        (run / SECRETS).unlink()  # then nobody reads that output before the record has it

    def recall(self, spool: Path) -> None:
        """After a restart: know again what was kept beside the spools of runs in the folder `spool`."""
        for path in spool.glob(f"*/{SECRETS}"):
            with contextlib.suppress(
                OSError, ValueError
            ):  # what cannot be read is not known: the output stays sealed
                kept = msgspec.json.decode(read_regular(path), type=list[bytes])
                self._known.update(value.decode(errors="surrogateescape") for value in kept)
                self._kept[path.parent.name] = path.parent
            if (path.parent / RESULT).exists() and not descendants(path.parent.name):
                self._forget(path)

    def forget(self, spool: Path) -> None:
        """The session is over: nothing is told any more, but of outputs that could not be taken into the record."""
        for path in spool.glob(f"*/{SECRETS}"):
            self._forget(path)

    def _forget(self, path: Path) -> None:
        if not path.with_name(OUTPUT).exists():
            path.unlink(missing_ok=True)

    def redactor_of_run(self, run: str) -> Redactor | None:
        """What takes the secrets out of a run's output; None where nobody knows which were given to it."""
        return None if self._has_secrets and run not in self._kept else self.redactor()

    def give(self, variables: Mapping[str, str]) -> None:
        """What the last attached console has of the variables in which secrets lie; it stays in memory alone."""
        self._given.update(variables)

    def learn(self, procedure: Procedure) -> dict[str, str]:
        """Know the procedure's secrets for redaction; what cannot be read now, to its reference (`unset`)."""
        unset = {}
        self._has_secrets = bool(references_of(procedure))
        for name, reference in references_of(procedure).items():
            try:
                self._know(secret(reference, self._own))
            except QuarterdeckError:
                unset[name] = reference
        self.unset = unset
        return unset

    def of(self, session: Session, step: Step, *, secrets: bool) -> dict[str, str]:
        """Every reference that has a value now; with `secrets`, of those the ones that the step names.

        QuarterdeckError where one of these cannot be read; what the step does not name is not looked for.
        """
        assert session.plan is not None
        procedure = session.plan.procedure
        run = session.steps.get(step.id)
        hidden = references_of(procedure)
        found = {name: value for name, value in procedure.values.items() if name not in hidden}
        for other in session.index.recorded:
            for name, value in session.steps[other].values.items():
                found[f"{other}.{name}"] = value
        found |= {
            "quarterdeck.session": session.id,
            "quarterdeck.step": step.id,
            "quarterdeck.home": str(self._home),
            "quarterdeck.attempt": str(run.attempt + (run.state != "running") if run is not None else 1),
        }
        if secrets:
            for name in named_secrets(procedure, step):
                found[name] = secret(hidden.get(name, name), self._own)
                self._know(found[name])
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
        """What the step declares, and for a script all `values` as variables: of the secrets those that it names."""
        direct = environment_references(step)
        declared = {
            name: values.get(text, "") if text in direct else substitute(text, values)
            for name, text in step.env.items()
        }
        variables = {environment_name(name): value for name, value in values.items() if name not in direct}
        return variables | declared if step.shell else declared


def _pattern(session: Session, name: str) -> str:
    """The pattern that vouches for a recorded value; a number needs none."""
    assert session.plan is not None
    step, _, field = name.rpartition(".")
    for record in session.plan.steps[step].record if step in session.plan.steps else ():
        if record.name == field:
            return record.pattern or ("number" if record.type in {"integer", "number"} else "")
    return ""
