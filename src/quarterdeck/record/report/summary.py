"""The verdict in a word and the night in one paragraph: what a reader of the ticket sees first.

Pure.
"""

from __future__ import annotations

from collections import Counter

from quarterdeck.record.report.model import DeviationRow, StepRow, Stop, Tone
from quarterdeck.record.report.story import Story
from quarterdeck.spans import span

__all__ = ["headline", "summarise"]

_TONES: dict[str, Tone] = {
    "completed": "good",
    "completed_with_exceptions": "warn",
    "rolled_back": "warn",
    "rolled_back_with_exceptions": "bad",
    "recovered": "warn",
    "abandoned": "bad",
}


def headline(story: Story) -> tuple[str, Tone]:
    """The outcome in capitals, or the state of a session that is not over, and how it is meant."""
    session = story.session
    word = session.outcome or session.state
    tone = _TONES.get(word, "live")
    if not session.is_over and session.live_halts():
        tone = "bad"
    text = word.replace("_", " ").upper()
    return (text if session.is_over else f"NOT OVER: {text}"), tone


def summarise(
    story: Story, steps: tuple[StepRow, ...], deviations: tuple[DeviationRow, ...], stops: tuple[Stop, ...]
) -> str:
    """Who did what, how far it went, what stopped it, and how it was judged."""
    session = story.session
    if session.plan is None:
        return "There is no plan in what could be read of this session."
    sentences = [
        _opening(story),
        _forward(story, steps),
        _stopped(stops),
        _back(story, steps),
        _deviated(deviations),
        _judged(story),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _opening(story: Story) -> str:
    session = story.session
    kind = "demo session" if session.purpose == "demo" else "session"
    who = f", led by {session.lead}" if session.lead else ""
    if session.started is None:
        return f"“{session.title}”, a {kind}{who}, was not started."
    took = span(story.now - session.started)
    if session.is_over:
        return f"“{session.title}”, a {kind}{who}, took {took}{_in_window(story)}."
    last = " by what was recorded" if not story.copy.owned else ""
    return f"“{session.title}”, a {kind}{who}, is not over{last}: it has been going on for {took}."


def _in_window(story: Story) -> str:
    window = story.session.window
    if window is None or window.assumed:
        return ""
    left = window.end - story.now
    length = span(window.end - window.start)
    return f" of a window of {length}" if left >= 0 else f" and ended {span(left)} after its window of {length}"


def _forward(story: Story, steps: tuple[StepRow, ...]) -> str:
    forward = [row for row in steps if row.part == "stages"]
    if not forward:
        return ""
    count = Counter(row.state for row in forward)
    done = count["done"] + count["done_manually"]
    others = {
        "skipped": "skipped",
        "failed": "failed",
        "interrupted": "interrupted",
        "unknown": "unknown",
        "running": "running",
    }
    runs = [story.session.steps[row.id] for row in forward]
    back = sum(1 for run in runs if run.undone and run.state in {"done", "done_manually"})
    alone = sum(1 for run in runs if run.undone_alone)
    said = [f"{back} of them undone again"] if back else []
    said += [f"{alone} undone and not done again"] if alone else []
    said += [f"{count[state]} {word}" for state, word in others.items() if count[state]]
    never = sum(1 for row in forward if row.actual.start is None and row.state in {"pending", "claimed"})
    said += [f"{never} not run"] if never else []
    added = sum(1 for row in forward if row.added)
    said += [f"{added} of them added during the night"] if added else []
    share = f"All {done}" if done == len(forward) else f"{done} of {len(forward)}"
    return f"{share} steps were done{', ' if said else ''}{', '.join(said)}."


def _stopped(stops: tuple[Stop, ...]) -> str:
    halts = [stop for stop in stops if stop.kind == "halt"]
    pauses = [stop for stop in stops if stop.kind == "pause"]
    said = []
    if halts:
        first = halts[0]
        more = f", and {len(halts) - 1} more" if len(halts) > 1 else ""
        said.append(f"It was halted by {first.who}: {first.why.rstrip('.')}{more}.")
    if pauses:
        times = "once" if len(pauses) == 1 else f"{len(pauses)} times"
        spent = sum(stop.until - stop.at for stop in pauses if stop.until is not None)
        said.append(f"It was paused {times}, for {span(spent)}.")
    return " ".join(said)


def _back(story: Story, steps: tuple[StepRow, ...]) -> str:
    session = story.session
    back = session.rollback
    if session.contingency_started:
        return "The contingency was run."
    if back is None:
        return ""
    listed = {item.step for item in back.items if item.undoes}
    rows = [row for row in steps if row.id in listed]
    done = sum(1 for row in rows if row.state in {"done", "done_manually"})
    undone = f"{done} of {len(rows)}" if done != len(rows) else f"all {len(rows)}"
    if not rows:
        return f"{back.by} committed the rollback; nothing had to be undone."
    return f"{back.by} committed the rollback; {undone} undo steps were done."


def _deviated(deviations: tuple[DeviationRow, ...]) -> str:
    exceptions = sum(1 for row in deviations if row.weight == "exception")
    noted = len(deviations) - exceptions
    if not deviations:
        return "There were no deviations."
    parts = [f"{exceptions} exception{'s' if exceptions != 1 else ''}"] if exceptions else ["no exception"]
    parts += [f"{noted} noted deviation{'s' if noted != 1 else ''}"] if noted else []
    return f"There {'were' if exceptions + noted > 1 else 'was'} {' and '.join(parts)}."


def _judged(story: Story) -> str:
    verdicts = story.session.verdicts
    if not verdicts:
        return ""
    count = Counter(each.verdict for each in verdicts)
    if count["PASS"] == len(verdicts):
        return f"All {len(verdicts)} criteria passed."
    rest = [f"{count[word]} {word}" for word in ("FAIL", "INCONCLUSIVE") if count[word]]
    return f"{count['PASS']} of {len(verdicts)} criteria passed ({', '.join(rest)})."
