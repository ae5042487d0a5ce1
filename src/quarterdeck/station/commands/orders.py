"""From a step to an order for its runner, and from a runner's report to the fact that the session gets.

Nothing is started or decided here: `executor` launches, the session judges. Secrets go into the order alone; what
the event keeps (argv, values, output) is redacted. A command's environment is built from empty, so that nothing
reaches it by accident; the person's own comes in as an argument.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from quarterdeck.errors import StationError
from quarterdeck.host import host_names
from quarterdeck.procedure.interpreters import script_command
from quarterdeck.procedure.model import Step
from quarterdeck.runner.files import OUTPUT, SECRETS
from quarterdeck.runner.spool import remove_spool
from quarterdeck.session.event import Blob
from quarterdeck.session.intents import CommandReturned, Launch
from quarterdeck.session.parts import Proof
from quarterdeck.session.state import Session
from quarterdeck.station.commands.output import seal_output
from quarterdeck.station.commands.recorded import recorded
from quarterdeck.station.commands.results import Prepared, Result
from quarterdeck.station.commands.runs import SEALED, Commands
from quarterdeck.station.commands.values import Values
from quarterdeck.station.leftovers import declared

__all__ = ["ALWAYS", "Order", "Orders", "all_hosts", "build_environment", "pgappname"]


ALWAYS = ("PATH", "HOME", "LANG", "TZ")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def pgappname(letters: str, step: str) -> str:
    """What a step's connections are called in PostgreSQL: `quarterdeck/kfwz/drop-index`, 63 bytes at most.

    PostgreSQL cuts longer names by itself, and a `gone` check must ask for the same text.
    """
    return f"quarterdeck/{letters}/{step}".encode(errors="replace")[:63].decode(errors="ignore")


def build_environment(
    *,
    own: Mapping[str, str],
    letters: str,
    step: str,
    declared: Mapping[str, str] | None = None,
    pass_env: Iterable[str] = (),
    ssh_auth_sock: str = "",
) -> dict[str, str]:
    """PATH, HOME, LANG and TZ of `own`; then what `pass_env` lets through; then what the step declares.

    `own` is the person's environment; `letters` the session's four; `ssh_auth_sock` the agent of the last attached
    console, empty for none. A name in `pass_env` that `own` lacks is left out.
    """
    built = {"PATH": DEFAULT_PATH, "HOME": "/", "LANG": "C.UTF-8"}
    built |= {name: own[name] for name in (*ALWAYS, *pass_env) if name in own}
    built["PGAPPNAME"] = pgappname(letters, step)
    if ssh_auth_sock:
        built["SSH_AUTH_SOCK"] = ssh_auth_sock
    return built | dict(declared or {})


ENDED_LATE = 3
"""Durations after which a command that does not mutate is ended (session-rules, Times)."""


class Order(NamedTuple):
    """A command that may start."""

    prepared: Prepared
    launch: Launch


def all_hosts() -> tuple[str, ...]:
    """Every name that this machine goes by: what a step's `host` is held against."""
    names = host_names()
    return tuple(dict.fromkeys((names.short, names.full, "localhost", "127.0.0.1", "::1")))


class Orders:
    """Makes orders for one session's commands."""

    def __init__(self, folder: Path, values: Values, own: dict[str, str]) -> None:
        """`own` is the person's environment, from which a command's is built."""
        self._folder, self._values, self._own = folder, values, own
        self.hosts = all_hosts()
        self.agent = ""
        """SSH_AUTH_SOCK of the last attached console."""

    def environment(self, session: Session, step: Step, declared: dict[str, str] | None = None) -> dict[str, str]:
        """What a command or a reading of this step gets."""
        letters = session.id.rpartition("-")[2]
        return build_environment(
            own=self._own, letters=letters, step=step.id, declared=declared, ssh_auth_sock=self.agent
        )

    def reading_environment(self, session: Session, step: Step) -> dict[str, str]:
        """For verifications and progress: with what the step declares."""
        values = self._values.of(session, step, secrets=True)
        return self.environment(session, step, self._values.environment(step, values))

    def trial(self) -> Launch:
        """A launch that only asks whether the step may start."""
        return Launch(run="trial", argv=("trial",), host=self.hosts[0], hosts=self.hosts)

    def make(self, commands: Commands, session: Session, step: Step) -> Order:
        """Write the order for the step's next attempt. QuarterdeckError where it cannot be made."""
        values = self._values.of(session, step, secrets=True)
        attempt = session.steps[step.id].attempt + 1
        run = f"{step.id[:60].strip('-_.') or 'step'}-{attempt}-{secrets.token_hex(3)}"
        declared = self._values.environment(step, values)
        prepared = commands.prepare(
            run,
            step.id,
            argv=self._values.argv(session, step.command, values),
            shell=step.shell,
            interpreter=script_command(step),
            env=self.environment(session, step, declared),
            cwd=step.cwd,
            on_halt=step.on_halt.action,
            grace=step.on_halt.grace,
            timeout=step.timeout or (0.0 if step.mutates else ENDED_LATE * step.duration),
            on_crash=step.on_crash,
            become=step.become,
            become_env=sorted(declared) if step.become else (),
            stop=self._values.argv(session, step.stop, values),
            cleanup=step.cleanup,
            answered=tuple(session.halts.keys() - set(session.live_halts())),
        )
        try:
            self._values.keep(prepared.spool_path.parent)
        except StationError:
            shutil.rmtree(prepared.spool_path.parent, ignore_errors=True)
            raise
        argv = tuple(self._values.clean(word) for word in prepared.argv)
        launch = Launch(
            run=run, argv=argv, shell=bool(step.shell), spool=prepared.spool, host=self.hosts[0], hosts=self.hosts
        )
        return Order(prepared, launch)

    def withhold(self, run: str) -> None:
        """Drop a sealed output for good."""
        folder = self._folder / "spool" / run
        remove_spool(folder / OUTPUT)
        (folder / SECRETS).unlink(missing_ok=True)

    def discard(self, order: Order) -> None:
        """The order is not given: nothing of it stays."""
        shutil.rmtree(order.prepared.spool_path.parent, ignore_errors=True)

    async def fact(self, step: Step, attempt: int, result: Result, gone: Proof | None) -> CommandReturned:
        """Keep the output as a redacted blob, take the recorded values from it, and say how the command ended."""
        run = self._folder / "spool" / result.run
        blobs: tuple[Blob, ...] = ()
        values: dict[str, str] = {}
        unsearched: dict[str, str] = {}
        cut, sealed = result.output_cut, ""
        redactor = self._values.redactor_of_run(result.run)
        if redactor is None and (run / OUTPUT).exists():
            sealed = SEALED
            unsearched = {field.name: f"not searched: {SEALED}" for field in step.record if field.pattern}
        elif redactor is not None:
            try:
                if result.ok:
                    values, unsearched = await asyncio.to_thread(
                        recorded, step, run / OUTPUT, redactor, whole=not (cut or result.output_error)
                    )
                blob = await asyncio.to_thread(
                    seal_output, run / OUTPUT, self._folder / "blobs", redactor, name=f"{step.id}.txt"
                )
                if blob.length:
                    blobs = (Blob(blob.sha256, blob.length, blob.name),)
                cut = max(cut, blob.cut)
                if not result.survivors and not result.left_behind:  # of these it is still told, without secrets
                    (run / SECRETS).unlink(missing_ok=True)
            except OSError:
                cut = max(cut, result.output_total)  # it stays in the spool; the record says that it is not kept
        survivors = tuple(f"{one.pid} {one.owner} {self._values.clean(one.command)}" for one in result.survivors)
        left = {"left_behind": list[str](), "stays": list[str]()}
        for one in result.left_behind:
            line = f"{one.pid} {one.owner} {self._values.clean(one.command)}"
            meant = await asyncio.to_thread(declared, step, one.command)
            left["stays" if meant else "left_behind"].append(line)
        return CommandReturned(
            step=step.id,
            attempt=attempt,
            run=result.run,
            outcome=result.outcome,
            exit_code=result.exit_code,
            signal=result.signal,
            ended_by=result.ended_by,
            seconds=round(result.seconds, 3),
            cut=cut,
            sealed=sealed,
            survivors=survivors,
            left_behind=tuple(left["left_behind"]),
            stays=tuple(left["stays"]),
            gone=gone,
            values=values,
            unsearched=unsearched,
            blobs=blobs,
        )
