"""What the demo's console can do beside a lead's: break the service, open the record, kill itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from quarterdeck.console.commands.base import YES, Available, Command, Desk, No
from quarterdeck.console.context import Situation
from quarterdeck.demo.faults import FAULTS
from quarterdeck.demo.world import World

__all__ = ["demo_commands"]

_WORDS = {
    "slow": "every answer takes longer",
    "errors": "the shop answers with errors",
    "disk": "the database's disk runs full",
    "step": "the next changing step fails",
}


class _Break(Command):
    """Breaks the demo's service for real, so that a guard proposes a halt or a failure asks."""

    of_view = True
    fault: ClassVar[str] = ""

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self, desk: Desk) -> None:
        self._world.fault(self.fault)
        desk.say(f"Broken: {_WORDS[self.fault]}", "warning")


def _breaking(fault: str) -> type[_Break]:
    words = {"id": f"break_{fault}", "title": f"Break it: {fault} ({_WORDS[fault]})", "fault": fault}
    return type(f"Break{fault.title()}", (_Break,), {**words, "__doc__": _Break.__doc__})


class Mend(Command):
    """Ends every fault that was switched on."""

    id = "mend"
    title = "Mend what was broken"
    of_view = True

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self, desk: Desk) -> None:
        for fault in FAULTS:
            self._world.clear_fault(fault)
        desk.say("Mended")


class OpenRecord(Command):
    """Writes the session's record and opens its HTML in a browser, where there is one."""

    id = "open_record"
    title = "Open the record"
    key = "O"
    of_view = True

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder

    async def run(self, desk: Desk) -> None:
        """In a process of its own: the console loads no templates."""
        argv = [sys.executable, "-m", "quarterdeck.demo.recording", str(self._folder())]
        done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, check=False)
        said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
        desk.say(said[-1] if said else "The record could not be written", "information" if said else "error")


class KillConsole(Command):
    """Kills this console with -9 while a command runs. Another one comes back; nothing else notices."""

    id = "kill_console"
    title = "Kill this console (kill -9) and come back to it"
    key = "Z"
    of_view = True

    def available(self, situation: Situation) -> Available:
        """While a command runs, since that is what shall survive."""
        session = situation.session
        steps = session.plan.steps if session.plan else {}
        if any(steps[run.id].kind == "command" for run in session.running()):
            return YES
        return No("no command runs now: S starts one, then Z kills this console under it")

    async def run(self, desk: Desk) -> None:  # noqa: ARG002 - the desk goes with it
        """Nothing can be done about this signal, which is the point."""
        os.kill(os.getpid(), signal.SIGKILL)


def demo_commands(world: World, folder: Callable[[], Path]) -> tuple[Command, ...]:
    """The demo's commands; `folder` says which session the console is on."""
    breaking = tuple(_breaking(fault)(world) for fault in FAULTS)
    return (*breaking, Mend(world), OpenRecord(folder), KillConsole())
