"""What commands wrote, and what people kept as evidence, with hashes and with what was cut.

Reads stored files; a missing one is said, never fatal.
"""

from __future__ import annotations

import os
from pathlib import Path

from quarterdeck.record.report.model import Evidence, FileRow, Output, Tone
from quarterdeck.record.report.story import Story, Told
from quarterdeck.regular_files import open_regular
from quarterdeck.session import events as happened
from quarterdeck.session.event import Blob
from quarterdeck.session.events import CommandEnded, StepStarted
from quarterdeck.session.leftovers import left_words

__all__ = ["evidence", "outputs"]

HEAD = 60
"""Lines from the beginning of an output that a report shows."""
TAIL = 40
"""Lines from its end."""
WIDTH = 1000
"""Characters of one line."""
_MOST = 256 * 1024
"""Bytes that are read from each end of an output."""


def outputs(story: Story, missing: frozenset[str]) -> tuple[Output, ...]:
    """Every command that ended. `missing`: hashes of files that are not there, or were changed."""
    started: dict[str, StepStarted] = {}
    found = []
    for told in story.told:
        if isinstance(told.what, StepStarted) and told.what.run:
            started[told.what.run] = told.what
        if isinstance(told.what, CommandEnded):
            found.append(_output(story, told, told.what, started.get(told.what.run, StepStarted()), missing))
    return tuple(found)


def _output(story: Story, told: Told, ended: CommandEnded, start: StepStarted, missing: frozenset[str]) -> Output:
    blob = next(iter(told.event.blobs), None)
    file = _file(blob, missing) if blob is not None else None
    excerpt, left_out = _excerpt(story.copy.blobs / file.sha256, file.length) if file and file.present else ("", "")
    good = ended.outcome == "exited" and ended.exit_code == 0
    tone: Tone = "good" if good else "warn" if ended.ended_by else "bad"
    sentence = story.line(told)
    return Output(
        step=story.title(told.event.step),
        attempt=told.event.attempt,
        at=told.at,
        argv=start.argv,
        shell=start.shell,
        host=start.host,
        ending=sentence.partition(": command ")[2] or sentence,
        left_behind=ended.left_behind,
        left_became=_became(story, told.event.step, ended),
        stays=ended.stays,
        tone=tone,
        file=file,
        cut=ended.cut,
        excerpt=excerpt,
        left_out=left_out,
    )


def _became(story: Story, step: str, ended: CommandEnded) -> str:
    run = story.session.steps.get(step)
    found = [each for each in run.runs if each.id == ended.run] if run is not None and ended.left_behind else []
    return left_words(found[0]) if found else ""


def _file(blob: Blob, missing: frozenset[str]) -> FileRow:
    return FileRow(blob.name, blob.sha256, blob.len, blob.sha256 not in missing)


def _excerpt(path: Path, length: int) -> tuple[str, str]:
    """Beginning and end of a text, and what of it is not shown."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            head = file.read(_MOST)
            if length > 2 * _MOST:
                file.seek(length - _MOST)
            tail = file.read(_MOST)
    except OSError:
        return "", "the file could not be read"
    whole = len(head) + len(tail) >= length
    lines = [_narrow(line) for line in (head + tail if whole else head).decode(errors="replace").splitlines()]
    last = lines if whole else [_narrow(line) for line in tail.decode(errors="replace").splitlines()]
    if whole and len(lines) <= HEAD + TAIL:
        return "\n".join(lines), ""
    hidden = f"{len(lines) - HEAD - TAIL} lines" if whole else "the middle"
    said = f"{hidden} of {length:,} bytes are not shown here; the file has them all"
    return "\n".join([*lines[:HEAD], f"[… {hidden} not shown here …]", *last[-TAIL:]]), said


def _narrow(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[:WIDTH]} [… {len(line) - WIDTH} characters]"


def evidence(story: Story, missing: frozenset[str]) -> tuple[Evidence, ...]:
    """Everything that was kept as evidence."""
    found = []
    for told in story.told:
        if isinstance(told.what, happened.EvidenceAdded):
            step = story.title(told.event.step) if told.event.step else ""
            text = told.what.text or told.what.name
            files = tuple(_file(blob, missing) for blob in told.event.blobs)
            found.append(Evidence(step, told.at, told.event.actor.login, text, files))
    return tuple(found)
