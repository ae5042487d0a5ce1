"""The verb `demo`: a live session on a real embedded service and database."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from quarterdeck.errors import UsageError

__all__ = ["demo"]


def demo(arguments: argparse.Namespace) -> int:
    """Run the demo, with a console or by itself; exit code by outcome."""
    from quarterdeck.demo.opening import BAD_NIGHT, GOOD_NIGHT, start_world

    if not arguments.auto and (arguments.halt_after or arguments.out):
        raise UsageError("--halt-after and --out go with --auto")
    night = BAD_NIGHT if arguments.bad_night else GOOD_NIGHT
    if not arguments.auto:
        from quarterdeck.demo.night import show

        return show(arguments)
    _known_step(night, arguments.halt_after)
    print(f"making an order service with {arguments.rows:,} orders …", flush=True)
    world = start_world(rows=arguments.rows)
    try:
        return _auto(arguments, world, night)
    finally:
        world.end()


def _known_step(night: str, step: str) -> None:
    from quarterdeck.documents.problems import did_you_mean
    from quarterdeck.procedure.check import load
    from quarterdeck.procedure.library import find_procedure

    steps = [s.id for stage in load(find_procedure(night)).stages for s in stage.steps]
    if step and step not in steps:
        raise UsageError(
            f"--halt-after {step}: there is no such step", hint=did_you_mean(step, steps) or ", ".join(steps)
        )


def _auto(arguments: argparse.Namespace, world: object, night: str) -> int:
    from quarterdeck.demo.auto import drive
    from quarterdeck.demo.autopilot import Orders
    from quarterdeck.demo.opening import open_demo
    from quarterdeck.demo.world import World
    from quarterdeck.session.outcomes import exit_code

    assert isinstance(world, World)
    opened = open_demo(world, night)
    session = asyncio.run(drive(opened, Orders(arguments.halt_after), fault=arguments.fault, say=_say))
    stats = world.stats()
    print(f"{stats.orders_acknowledged:,} acknowledged orders, {stats.missing:,} missing")
    print(f"{session.id}: {session.outcome.replace('_', ' ')}")
    if arguments.out:
        from quarterdeck.record.verbs import export_to

        for path in export_to(opened.folder, Path(arguments.out), ("jsonl", "json", "md", "html")):
            print(path)
    if stats.missing:
        print("orders are missing: the demo failed", file=sys.stderr)
        return 1
    return exit_code(session.outcome)


def _say(line: str) -> None:
    print(line, flush=True)
