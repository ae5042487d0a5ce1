"""`demo` with a console: the world, both nights in planning, and the console as a child that may be killed.

The console runs in a process of its own (`demo.deck`), since it is a disposable view: `Z` kills it with -9 while a
command runs, and this process puts the terminal right and opens another one on the same session. When the last one
is left, it says how the night ended, or how to come back.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

from quarterdeck.demo.opening import BAD_NIGHT, GOOD_NIGHT, open_demo, start_world
from quarterdeck.demo.world import World
from quarterdeck.errors import UsageError
from quarterdeck.session.outcomes import DETACHED

__all__ = ["show"]

PAUSE = 2.5
"""Seconds for reading that the console was killed."""
RESTORE = "\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?25h\x1b[<u\x1b[0m"
"""Leave the alternate screen, the mouse, focus reports and bracketed paste; show the cursor."""


def show(arguments: argparse.Namespace) -> int:
    """Run the demo on this terminal; returns the exit code of how its session stands."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("the demo's console needs a terminal", hint="quarterdeck demo --auto goes without one")
    print(f"Making an order service with {arguments.rows:,} orders and starting its traffic …", flush=True)
    world = start_world(rows=arguments.rows)
    with _ending_on_signals(world):
        if arguments.fault:
            world.fault(arguments.fault)
        nights = {night: open_demo(world, night).folder for night in (GOOD_NIGHT, BAD_NIGHT)}
        code = _consoles(arguments, world, nights)
    if code == DETACHED:
        return code
    stats = world.stats()
    world.end()
    print(f"{stats.orders_acknowledged:,} acknowledged orders, {stats.missing:,} missing")
    return code if not stats.missing else 1


def _consoles(arguments: argparse.Namespace, world: World, nights: dict[str, Path]) -> int:
    """One console after the other, as long as they are killed."""
    chosen = world.home.folder / "chosen"
    if arguments.bad_night:
        chosen.write_text(BAD_NIGHT)
    attributes = termios.tcgetattr(0)
    back = False
    while True:
        console = subprocess.run(_argv(arguments, world, nights, back=back), check=False)
        if console.returncode != -signal.SIGKILL:
            return console.returncode
        termios.tcsetattr(0, termios.TCSADRAIN, attributes)
        sys.stdout.write(RESTORE)
        print("That console was killed with -9. Its session goes on, and so does its command.")
        print("Opening another one …", flush=True)
        time.sleep(PAUSE)
        back = True


def _argv(arguments: argparse.Namespace, world: World, nights: dict[str, Path], *, back: bool) -> list[str]:
    argv = [sys.executable, "-m", "quarterdeck.demo.deck", "--world", str(world.home.folder)]
    argv += ["--good", str(nights[GOOD_NIGHT]), "--bad", str(nights[BAD_NIGHT])]
    argv += [f"--{name}={getattr(arguments, name)}" for name in ("layout", "theme") if getattr(arguments, name)]
    argv += [f"--{name.replace('_', '-')}" for name in ("ascii", "no_mouse") if getattr(arguments, name)]
    return [*argv, "--back"] if back else argv


@contextlib.contextmanager
def _ending_on_signals(world: World) -> Iterator[None]:
    """A terminal that vanishes takes this process along: the station notices, and the world's lease runs out."""

    def vanish(number: int, _frame: object) -> None:
        os._exit(128 + number)

    before = {number: signal.signal(number, vanish) for number in (signal.SIGHUP, signal.SIGTERM)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    except BaseException:
        world.end()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
