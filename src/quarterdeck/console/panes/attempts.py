"""The attempts of a step, oldest first: when, by whom, how each ended, what was read, whether it printed anything.

The cursor stands on one, whose output can be opened.
"""

from __future__ import annotations

from quarterdeck.console.panes.base import EMPTY, Piece, Row, width_of
from quarterdeck.console.panes.rows import wrap
from quarterdeck.console.panes.sheet import Sheet, about_nothing
from quarterdeck.console.panes.step_details import proof_rows
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.state import LIVE, Run, StepRun
from quarterdeck.spans import second, span
from quarterdeck.text import block, visible

__all__ = ["AttemptsPane"]


class AttemptsPane(Sheet):
    """The attempts of the step that the snapshot has selected."""

    name_ = "attempts"
    heading = "Attempts"
    opens = "attempt"

    def made(self, snapshot: Snapshot, width: int) -> list[tuple[str, Row]]:
        """A block for each attempt, about its number, from 0 on; what is between two is about none."""
        run = snapshot.session.steps.get(snapshot.selected)
        if run is None or not run.runs:
            reported = run is not None and run.started is not None
            told = "nobody started it; it was reported done" if reported else "it was not started yet"
            return about_nothing([((f" {told}", "muted"),)])
        rows: list[tuple[str, Row]] = []
        for number, attempt in enumerate(run.runs):
            block_of = self._attempt(snapshot, run, attempt, last=number == len(run.runs) - 1, width=width)
            rows += [(str(number), row) for row in block_of]
            rows.append(("", EMPTY))
        return rows

    def _attempt(self, snapshot: Snapshot, run: StepRun, attempt: Run, *, last: bool, width: int) -> list[Row]:
        off, look = snapshot.off, self.look
        lives = last and run.state in LIVE
        state = str(run.state) if last else "failed" if attempt.why else "interrupted"
        sign, role = look.glyphs.steps[state], "running" if lives else "critical" if attempt.why else "ok"
        ended = attempt.ended if attempt.ended is not None else run.ended if last else None
        until = snapshot.now if lives else ended
        when = second(attempt.started, off) + (f" to {second(ended, off)}" if ended is not None and not lives else "")
        took = f", {span(until - attempt.started)}" if until is not None else ""
        head: list[Piece] = [
            (f" {sign} attempt {attempt.attempt}", f"{role}+bold"),
            (f"  {when}{took}", "text"),
        ]
        host = f" on {visible(attempt.host, 30)}" if attempt.host else ""
        who: Piece = (f"   by {visible(attempt.by or '?', 30)}{host}", "muted")
        fits = width_of((*head, who)) <= width
        rows: list[Row] = [(*head, who)] if fits else [tuple(head), (who,)]
        told = [attempt.ending, attempt.why if attempt.why != attempt.ending else ""]
        for words in told:
            for line in block(words, 4_000).split("\n") if words else ():
                rows += [
                    ((f"   {part}", "warn" if attempt.why else "text"),) for part in wrap(line, max(1, width - 4))
                ]
        rows += proof_rows(attempt.proofs, width, look)
        rows.append(((f"   {_printed(snapshot, run, attempt)}", "muted"),))
        return rows

    def home(self, count: int) -> int:
        """The last attempt."""
        return max(0, count - 2)


def _printed(snapshot: Snapshot, run: StepRun, attempt: Run) -> str:
    """Whether there is an output to read."""
    if not attempt.id:
        return "no command: it prints nothing"
    if attempt.withheld:
        return "its output was withheld for good"
    if attempt.sealed:
        return "its output is sealed"
    if attempt.blobs:
        return f"output: {attempt.blobs[0].len:,} bytes kept"
    tail = snapshot.tails.get(run.id)
    if tail is not None and tail.run == attempt.id:
        return f"output: {tail.total:,} bytes so far"
    return "it printed nothing" if attempt.outcome else "output: none so far"
