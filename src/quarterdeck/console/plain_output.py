"""A step's output in plain mode: whole, in part, or the lines with a text in them, each with its number."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable

from quarterdeck.console.commands.base import Desk
from quarterdeck.console.forms import Form, text
from quarterdeck.console.names import name_of
from quarterdeck.console.output_index import Search
from quarterdeck.session.state import Run
from quarterdeck.station.commands.pages import LONG, Line, Pages

__all__ = ["read_output"]

LAST = "40"
"""Lines that Enter alone shows."""
_PART = re.compile(r"all|\d+|(\d+)-(\d+)|/.+")


async def read_output(desk: Desk, step: str, read: Callable[[Run], Pages], tell: Callable[[str, int], None]) -> None:
    """Ask which attempt and which part, and tell that, with the longest that a line can be.

    `read` opens what a run printed. StationError where it cannot be read here.
    """
    runs = [run for run in desk.situation.session.steps[step].runs if run.id]
    latest = str(runs[-1].attempt)
    attempts = {str(run.attempt): run for run in runs}
    told = [f"attempt {run.attempt}: {run.ending or 'runs'}" for run in runs]
    which = text(
        "attempt", "Which attempt?", initial=latest,
        check=lambda given: "" if given in attempts else f"one of {', '.join(attempts)}",
    )  # fmt: skip
    part = text(
        "part", "How many of the last lines (or: all, 100-200, /text)", initial=LAST,
        check=lambda given: "" if _PART.fullmatch(given) else "a number of lines, all, FROM-TO, or /TEXT",
    )  # fmt: skip
    fields = (which, part) if len(runs) > 1 else (part,)
    title = f"Output of {name_of(desk.situation.session, step)}"
    answers = await desk.fill(Form("output", title, lines=tuple(told), fields=fields, survives_halt=True))
    if answers is None:
        return
    pages = read(attempts[answers.get("attempt", latest)])
    shown = of = 0
    async for number, line in _wanted(pages, answers["part"]):
        tell(f"{number if line.number >= 0 else '':>6}  {line.text}", LONG + 10)
        shown, of = shown + (line.number >= 0), number
    desk.say(f"{shown:,} lines shown, up to line {of:,}" if shown else "no such line")


async def _wanted(pages: Pages, part: str) -> AsyncIterator[tuple[int, Line]]:
    """The lines that are asked for, with their numbers from 1 on."""
    search = Search(pages, part[1:]) if part.startswith("/") else None
    first, last = 1, None
    if match := _PART.fullmatch(part):
        if match[1]:
            first, last = int(match[1]), int(match[2])
        elif part.isdecimal():
            total = 0
            for page in pages.numbers():
                total += pages.lines_on(page)
                await asyncio.sleep(0)
            first = total - int(part) + 1
    number = 0
    for page in pages.numbers():
        await asyncio.sleep(0)  # a halt is heard between two pages
        count = pages.lines_on(page)
        if number + count < first - 1 or (last is not None and number >= last):
            number += count
            continue
        for line in pages.lines(page):
            number += line.number >= 0
            if number >= first and (last is None or number <= last) and (search is None or search.in_line(line)):
                yield number, line
