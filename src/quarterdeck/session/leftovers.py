"""What commands left running behind them: what is asked about after a halt, and what was said of it. Pure.

A halt ends only what belongs to a run that it terminates. What an earlier command left behind may be production's own
service: unless the step's `leaves` declares it, and while it still runs, its owner is asked whether it is left or
ended. The question keeps nothing: a session is halted, goes on and rolls back without its answer.
"""

from __future__ import annotations

from quarterdeck.session.state import Run, Session, StepRun

__all__ = ["few", "left_words", "open_left", "unasked_left"]

SHOWN = 3


def few(processes: tuple[str, ...]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(processes) - SHOWN} more" if len(processes) > SHOWN else ""
    return ", ".join(processes[:SHOWN]) + more


def left_words(run: Run) -> str:
    """What became of what the command left running, as far as it was reported."""
    why = f": {run.left_note}" if run.left_note else ""
    if run.left_ended:
        return f"not all of it could be ended{why}" if run.left_open else f"ended{why}"
    if run.left_answer:
        return f"stays{why}" if run.left_answer == "leave" else f"is being ended{why}"
    return "not answered: leave it or end it" if run.left_open else "when its command ended"


def unasked_left(session: Session) -> list[tuple[StepRun, Run]]:
    """While a halt is live: commands that left something which nobody declared or was asked about."""
    if not session.live_halts():
        return []
    return [
        (step, run)
        for step in _left(session)
        for run in step.runs
        if run.left and not run.left_open and not run.left_answer
    ]


def open_left(session: Session) -> list[tuple[StepRun, Run]]:
    """Commands whose leftovers are asked about and not answered for."""
    return [(step, run) for step in _left(session) for run in step.runs if run.left_open and not run.left_answer]


def _left(session: Session) -> list[StepRun]:
    """Steps that left something running of which nobody has said what becomes of it."""
    return [session.steps[identity] for identity in session.index.left]
