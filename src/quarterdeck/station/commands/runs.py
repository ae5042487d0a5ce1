"""The station's side of commands: give orders to runner shims, follow them, find them again after a crash.

It starts one detached shim for each run and talks to it through files alone (`runner.files`), so that a station that
dies takes nothing with it. It never judges: what a result means for a step is the session's business (R4, R14).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from quarterdeck.errors import StationError
from quarterdeck.host import boot_id, identity_of, own_identity, same_process
from quarterdeck.regular_files import read_regular
from quarterdeck.runner.files import ERRORS, OUTPUT, RESULT, RUNNER, SPEC, STOP, create_private, write_atomic
from quarterdeck.runner.processes import wait_state
from quarterdeck.runner.spool import SpoolReader
from quarterdeck.station.commands.orphans import find_orphans
from quarterdeck.station.commands.redaction import Redactor, redactor_of
from quarterdeck.station.commands.results import Finished, Found, Prepared, Result, RunnerNote, Tail, nothing_ran

__all__ = ["SEALED", "TAIL", "Commands", "look"]

SEALED = "output is sealed: the secrets that it may show are not known any more"
TAIL = 64 * 1024
"""Bytes of output that every seat sees live."""
FOLLOW = 0.1
"""Seconds between two looks at a run: at most ten updates a second."""
YOUNG = 1.0
"""For so many seconds a run is looked at more often, because most commands end at once."""
BURIAL = 1.0
"""Seconds between two tries to reap a shim that has reported."""
SPOOL_LIMIT = 64 * 1024 * 1024
CLAIM_PATIENCE = 2.0
"""Seconds between a runner's taking its order and its saying who it is."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


class _Order(Struct):
    """What is read of an order that is taken back."""

    step: str


class Commands:
    """All runs of one session's folder.

    `deliver` is called on the event loop with a `Tail` when output came, and once with `Finished` for each run that
    was launched or re-attached. `redactor` gives what takes secrets out of a run's tails, None where they are sealed.
    """

    def __init__(
        self,
        folder: Path,
        deliver: Callable[[Finished | Tail], None],
        *,
        redactor: Callable[[str], Redactor | None] = lambda _: redactor_of(frozenset()),
        spool_limit: int = SPOOL_LIMIT,
    ) -> None:
        self.spool = folder / "spool"
        self.halts = folder / "halts"
        self._deliver, self._redactor, self._limit = deliver, redactor, spool_limit
        self._followed: dict[str, asyncio.Task[None]] = {}
        self._notes: dict[str, RunnerNote] = {}
        """Remembered, so that a folder that somebody deletes does not make a run look as if it never began."""
        self._shims: dict[str, int] = {}
        """Runs that are followed, to the pid of the shim that we started; 0 for one that was re-attached."""
        self._burials: dict[int, asyncio.TimerHandle] = {}
        self._me = own_identity()
        for made in (self.spool, self.halts):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)

    # -- orders --------------------------------------------------------------------------------------------------

    def prepare(
        self,
        run: str,
        step: str,
        *,
        argv: Sequence[str] = (),
        shell: str = "",
        interpreter: Sequence[str] = ("/bin/sh", "-c"),
        env: Mapping[str, str],
        cwd: str = "",
        on_halt: Literal["finish", "terminate", "ask"] = "finish",
        grace: float = 10.0,
        timeout: float = 0.0,
        on_crash: Literal["keep", "kill"] = "keep",
        become: Literal["", "root"] = "",
        become_env: Iterable[str] = (),
        stop: Sequence[str] = (),
        cleanup: bool = False,
        answered: Iterable[str] = (),
    ) -> Prepared:
        """Write the order for `run` (letters, digits, `._-`); nothing runs before `launch`.

        The name is new on this whole machine (give it a random part): processes are found by it, and ended.

        Exactly one of `argv` and `shell`, which becomes the last word of `interpreter`. `env` is complete
        (`build_environment`). `answered` names the halts that do not stop it (R2). `become_env` names variables for
        sudo to let through. StationError where the order cannot be written, or the name was used before.
        """
        if not _NAME.match(run):
            raise StationError(f"{run!r} is no name for a run")
        if bool(argv) == bool(shell):
            raise StationError("A run needs either an argv or a script", where=step)
        words = list(argv) if argv else [*interpreter, shell]
        whole = _become(words, become, become_env)
        folder = self.spool / run
        order = {
            "run": run,
            "step": step,
            "argv": whole,
            "cwd": cwd or env.get("HOME", "") or "/",
            "env": dict(env),
            "halts": str(self.halts),
            "answered": sorted(answered),
            "on_halt": on_halt,
            "grace": grace,
            "timeout": timeout,
            "on_crash": on_crash,
            "station_pid": self._me.pid,
            "station_start": self._me.start,
            "become": become,
            "become_env": sorted(become_env),
            "stop": _become(list(stop), become, become_env) if stop else [],
            "cleanup": cleanup,
            "head": self._limit // 2,
            "ring": self._limit // 2,
        }
        try:
            folder.mkdir(mode=0o700)
            write_atomic(folder / SPEC, msgspec.json.encode(order), durable=False)
        except FileExistsError as error:
            raise StationError("This run was prepared before", where=run) from error
        except OSError as error:
            raise StationError(
                f"The order for the command cannot be written: {error.strerror}", where=str(folder)
            ) from error
        return Prepared(run, step, tuple(whole), str(order["cwd"]), f"spool/{run}/{OUTPUT}", folder / OUTPUT)

    def launch(self, prepared: Prepared) -> None:
        """Start the shim, detached; returns at once. What goes wrong arrives as `Finished` as well."""
        folder = self.spool / prepared.run
        pid = 0
        try:
            pid = _spawn_shim(folder)
        except OSError as error:
            result = nothing_ran(
                prepared.run, prepared.step, "failed_to_start", f"no runner could be started: {error}"
            )
            with contextlib.suppress(OSError):
                (folder / SPEC).unlink()
                write_atomic(folder / RESULT, msgspec.json.encode(result), durable=False)
            asyncio.get_running_loop().call_soon(self._deliver, Finished(prepared.run, result))
            return
        self._follow(prepared.run, prepared.step, pid)

    def stop(self, run: str, grace: float | None = None) -> None:
        """Stop it now (R4's escalation), with `grace` seconds before SIGKILL or its own. Nothing if it has ended."""
        folder = self.spool / run
        if (folder / RESULT).exists():
            return
        try:
            write_atomic(folder / STOP, b"" if grace is None else str(grace).encode(), durable=False)
        except OSError:  # no room for a file, or no folder: a signal says the same, with the step's own grace
            runner = self._runner_of(run)
            if runner:
                os.kill(runner, signal.SIGTERM)

    def _runner_of(self, run: str) -> int:
        """The living runner's pid: from its note, or our own child's where the note was never read; 0 for none."""
        note = self._note(run)
        if note is not None:
            return note.runner.pid if _alive(note) else 0
        return self._shims.get(run, 0)  # not reaped yet, so that the number is still its own

    def running(self) -> list[str]:
        """Runs that are followed and have not ended."""
        return sorted(self._followed)

    async def close(self) -> None:
        """Leave the runs alone: stop following, end nothing."""
        for burial in self._burials.values():
            burial.cancel()
        tasks = list(self._followed.values())
        self._followed.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- after a crash -------------------------------------------------------------------------------------------

    async def reattach(self) -> list[Found]:
        """Every run in the spool folder, as it stands (R14); those alive are followed again.

        An order that no runner took is revoked here: it counts as finished, outcome `refused`, nothing ran.
        """
        return [await self._find(folder) for folder in sorted(self.spool.iterdir()) if folder.is_dir()]

    async def _find(self, folder: Path) -> Found:
        run = folder.name
        if run in self._followed:
            return Found(run, "alive")
        if (result := self.result(run)) is not None:
            return Found(run, "finished", result)
        if (revoked := _revoke(folder)) is not None:
            return Found(run, "finished", revoked)
        until = asyncio.get_running_loop().time() + CLAIM_PATIENCE
        while True:
            note = self._note(run)
            if note is not None or asyncio.get_running_loop().time() > until:
                break
            await asyncio.sleep(0.05)
        if note is not None and _alive(note):
            self._follow(run, note.step, 0)
            return Found(run, "alive")
        if (result := self.result(run)) is not None:  # it ended while we looked
            return Found(run, "finished", result)
        return Found(run, "lost", _lost(run, note))

    def result(self, run: str) -> Result | None:
        """The runner's report, or None while there is none (that can be read)."""
        return _result(self.spool / run)

    def _note(self, run: str) -> RunnerNote | None:
        if run not in self._notes and (note := _read_note(self.spool / run)) is not None:
            self._notes[run] = note
        return self._notes.get(run)

    # -- following -----------------------------------------------------------------------------------------------

    def _follow(self, run: str, step: str, pid: int) -> None:
        self._shims[run] = pid
        self._followed[run] = asyncio.get_running_loop().create_task(
            self._watch(run, step, pid), name=f"follow {run}"
        )

    async def _watch(self, run: str, step: str, pid: int) -> None:
        reader = SpoolReader(self.spool / run / OUTPUT)
        clock = asyncio.get_running_loop().time
        began, next_tail, shown = clock(), 0.0, 0
        while True:
            result = self.result(run) or self._broken(run, step, pid)
            try:
                if (result is not None or clock() >= next_tail) and (total := reader.total()) != shown:
                    next_tail, shown = clock() + FOLLOW, total
                    self._deliver(Tail(run, self._tail(run, reader, over=result is not None), total))
            except OSError as error:
                if not _will_pass(error):
                    raise
            if result is not None:
                break
            await asyncio.sleep(FOLLOW if clock() - began > YOUNG else FOLLOW / 5)
        self._followed.pop(run, None)
        self._notes.pop(run, None)
        self._shims.pop(run, None)
        if pid:
            self._bury(pid)
        self._deliver(Finished(run, result))

    def _bury(self, pid: int) -> None:
        """Reap the shim; it may stay for long as the drain of a background process."""
        self._burials.pop(pid, None)
        if wait_state(pid) is None and _is_there(pid):
            self._burials[pid] = asyncio.get_running_loop().call_later(BURIAL, self._bury, pid)

    def _tail(self, run: str, reader: SpoolReader, *, over: bool) -> str:
        redactor = self._redactor(run)
        if redactor is None:
            return f"[{SEALED}]"
        piece = reader.last(TAIL + redactor.reach)
        skip = max(0, len(piece.content) - TAIL)
        return redactor.window(piece.content, skip, over=over).decode(errors="replace")

    def _broken(self, run: str, step: str, pid: int) -> Result | None:
        """A result for a run whose runner is gone without having left one, else None."""
        note = self._note(run)
        gone = (wait_state(pid) is not None) if pid else (note is not None and not _alive(note))
        if pid and not gone and note is not None:
            gone = not _alive(note)
        if not gone:
            return None
        if (result := self.result(run)) is not None:
            return result
        if note is None and (self.spool / run).is_dir():
            said = _complaint(self.spool / run)
            return nothing_ran(run, step, "failed_to_start", f"the runner broke before it began: {said}")
        return _lost(run, note)


def look(folder: Path) -> Found:
    """A run in its spool folder as it stands, for who only looks: nothing is followed, and no order is taken back."""
    run, note = folder.name, _read_note(folder)
    if (result := _result(folder)) is None and note is not None and _alive(note):
        return Found(run, "alive")
    result = result or _result(folder)  # it may have ended while we looked
    return Found(run, "lost" if result is None else "finished", result)


def _result(folder: Path) -> Result | None:
    try:
        return msgspec.json.decode(read_regular(folder / RESULT), type=Result)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        if _will_pass(error):
            return None
        return nothing_ran(folder.name, "", "lost", f"the report cannot be read: {error}")


def _read_note(folder: Path) -> RunnerNote | None:
    try:
        return msgspec.json.decode(read_regular(folder / RUNNER), type=RunnerNote)
    except (OSError, ValueError):
        return None


def _spawn_shim(folder: Path) -> int:
    """Start the shim in a session of its own; its pid."""
    complaints = create_private(folder / ERRORS)
    try:
        null = os.devnull
        own = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME", "TMPDIR") if name in os.environ}
        return os.posix_spawn(
            sys.executable,
            [sys.executable, "-P", "-m", "quarterdeck.runner", str(folder / SPEC)],
            {**own, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, null, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, null, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, complaints, 2),
            ],
            setsid=True,
        )
    finally:
        os.close(complaints)


def _revoke(folder: Path) -> Result | None:
    """Take an order back that no runner took, for good; None where one did."""
    mine = folder / "spec.revoked"
    try:
        (folder / SPEC).rename(mine)
    except FileNotFoundError:
        return None
    step = ""
    with contextlib.suppress(ValueError, OSError):
        step = msgspec.json.decode(read_regular(mine), type=_Order).step
    result = nothing_ran(folder.name, step, "refused", "the station ended before the runner had begun")
    write_atomic(folder / RESULT, msgspec.json.encode(result), durable=True)
    mine.unlink()
    return result


def _become(argv: list[str], become: str, names: Iterable[str]) -> list[str]:
    if not become:
        return argv
    kept = ",".join(sorted(names))
    return ["sudo", "-n", *([f"--preserve-env={kept}"] if kept else []), "--", *argv]


def _is_there(pid: int) -> bool:
    try:
        return identity_of(pid) is not None
    except OSError:
        return True


def _will_pass(error: Exception) -> bool:
    """No file descriptor or no memory is left: that says nothing of a command; look again a little later."""
    return isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def _alive(note: RunnerNote) -> bool:
    return note.boot == boot_id() and same_process(note.runner.pid, note.runner.start)


def _lost(run: str, note: RunnerNote | None) -> Result:
    """What the command did is unknown; what still runs of it is named as `survivors`."""
    return Result(
        run=run,
        step=note.step if note else "",
        outcome="lost",
        message="the runner ended without a report: what the command did is unknown",
        started_wall=note.started_wall if note else 0.0,
        survivors=tuple(find_orphans(run)),
    )


def _complaint(folder: Path) -> str:
    try:
        lines = read_regular(folder / ERRORS).decode(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1][:300] if lines else "no reason given"
