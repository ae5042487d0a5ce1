"""How a session is, told by its station or, where none answers, read from everything that lies on disk.

Halts that no station has taken in and commands that ended without one are read from their files (R2, R14). Must never
write, and never say that work goes on where no station lives.
"""

from __future__ import annotations

from datetime import datetime
from math import floor
from pathlib import Path
from typing import Any

from quarterdeck.errors import StationError
from quarterdeck.host import login_name
from quarterdeck.logbook.read_only import read_session
from quarterdeck.session.event import Actor, Event
from quarterdeck.session.events import CommandEnded
from quarterdeck.session.fold import fold
from quarterdeck.session.forecast import clocks
from quarterdeck.session.next_line import next_line
from quarterdeck.session.state import Session, StepRun
from quarterdeck.spans import countdown, hour, left, measured, second, span, zone
from quarterdeck.station.commands.runs import look
from quarterdeck.station.halt_files import filed_halts
from quarterdeck.station.journal import moment
from quarterdeck.station.wire.blocking_client import history_of

__all__ = ["lines_of", "status_of"]


def status_of(folder: Path) -> dict[str, Any]:
    """Everything that is known of the session in `folder`, as `status --json` prints it. Times: ISO; spans: s."""
    events, source, trouble, recorders = _known(folder)
    session = fold(events)
    now = session.clock(moment()) if not session.is_over else session.last
    plan = session.plan
    shown = clocks(session, now) if session.window is not None and not session.is_over else None
    rolls_back = session.rollback is not None and shown is not None and not shown.forward_only
    decides = shown is not None and not (rolls_back or shown.forward_only)
    halts = [session.halts[nonce] for nonce in session.live_halts()]
    filed = [] if session.is_over else filed_halts(folder, session.halts.keys())
    if source == "logbook" and not session.is_over:
        goes_on = ", paused" if session.is_live_session and not (halts or filed) else ""
        trouble = f"no station lives: quarterdeck attach brings the session back{goes_on}"
    found: dict[str, Any] = {
        "session": folder.name,
        "folder": str(folder),
        "title": session.title,
        "procedure": session.procedure,
        "revision": plan.procedure.revision if plan is not None else None,
        "state": session.state,
        "over": session.is_over,
        "lead": session.lead,
        "next": _next(session, now, trouble if source == "logbook" else "", halted=bool(filed)),
        "running": [_running(folder, session, run, now, alone=source != "station") for run in session.running()],
        "steps": {
            run.id: "undone" if run.undone else run.state
            for run in session.steps.values()
            if run.sequence or run.state != "pending"
        },
        "unconfirmed": [
            {"nonce": halt.nonce, "by": halt.login, "at": _iso(halt.wall), "reason": halt.reason} for halt in filed
        ],
        "halts": [{"by": halt.by, "at": _iso(halt.at), "reason": halt.reason} for halt in halts],
        "window": None
        if session.window is None
        else {
            "start": _iso(session.window.start),
            "end": _iso(session.window.end),
            "reserve": floor(session.window.reserve),
        },
        "window_left": None if shown is None else floor(shown.window_left),
        "decide_by": None if shown is None or not decides else _iso(shown.decide_by),
        "decide_in": None if shown is None or not decides else floor(shown.decide_in),
        "back_by": None if shown is None or not rolls_back else _iso(shown.stop_now_back),
        "margin": None if shown is None else floor(shown.margin),
        "deviations": len(session.deviations),
        "outcome": session.outcome,
        "verdicts": {each.id: each.verdict for each in session.verdicts},
        "events": session.count,
        "source": source,
        "recorders": recorders,
    }
    return found | ({"trouble": trouble} if trouble else {})


def _known(folder: Path) -> tuple[list[Event], str, str, dict[str, str]]:
    """All events, where they are from, why not from a station that lives, and how the recorders are."""
    try:
        told = history_of(folder)
    except StationError as error:
        copy = read_session(folder, samples=False)
        if not copy.owned:
            return copy.events, "logbook", "", {}
        return copy.events, "flight recorder", f"the station does not answer: {error.message}", {}
    recorders = told.standing.recorders if told.standing is not None else {}
    return told.events, "station", "", recorders


def _next(session: Session, now: float, nobody: str, *, halted: bool) -> str:
    """What the session waits for; no key is named while no station would take it."""
    if nobody or halted:
        return nobody or "tell people to stop: nothing starts, and its station takes the halt as soon as it answers"
    return next_line(session, now, Actor(login=login_name())).text


def _running(folder: Path, session: Session, run: StepRun, now: float, *, alone: bool) -> dict[str, Any]:
    """A step that goes on by its events; `alone`: no station tells what became of its command, so its files do."""
    title = session.plan.steps[run.id].title if session.plan is not None else run.id
    found: dict[str, Any] = {
        "step": run.id,
        "title": title,
        "state": run.state,
        "seconds": None if run.started is None else round(now - run.started),
    }
    if not alone or not run.runs or run.runs[-1].outcome:
        return found
    seen = look(folder / "spool" / run.runs[-1].id)
    found["command"] = seen.state
    if seen.result is not None and seen.state == "finished":
        result = seen.result
        ended = CommandEnded(
            outcome=result.outcome,
            exit_code=result.exit_code,
            signal=result.signal,
            ended_by=result.ended_by,
            seconds=result.seconds,
        )
        found |= {"ended": ended.ending, "exit_code": result.exit_code, "seconds": round(result.seconds)}
    return found


def _iso(at: float) -> str | None:
    """In this terminal's zone, to the second; None for a halt whose file says no time."""
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds") if at else None


def lines_of(found: dict[str, Any]) -> list[str]:
    """What `status_of` found, for a person."""
    state = found["state"].replace("_", " ").upper() + (", HALT FILED" if found["unconfirmed"] else "")
    here = datetime.now().astimezone()
    off = int((here.utcoffset() or here - here).total_seconds() // 60)
    lines = [
        f"{found['session']}  {found['title']}",
        f"{state}  (from the {found['source']}, {second(here.timestamp(), off)} {zone(off)})",
    ]
    if "trouble" in found:
        lines.append(f"! {found['trouble']}")
    if found["unconfirmed"]:
        lines.append("! HALT UNCONFIRMED: its file is written and commands stop by it; no station has taken it yet")
    lines += [f"halted by {_call(halt)}" for halt in found["halts"]]
    lines += [f"halt filed by {_call(halt)}" for halt in found["unconfirmed"]]
    lines += [_run(run) for run in found["running"]]
    lines += _clocks(found, off)
    if found["over"]:
        lines.append(f"{found['deviations']} deviations")
    elif found["next"] != found.get("trouble"):
        lines.append(f"next: {found['next']}")
    return lines + [f"! {name}: {how}" for name, how in found["recorders"].items() if how != "ok"]


def _clocks(found: dict[str, Any], off: int) -> list[str]:
    """The clocks as a console shows them; none before Start and once it is over."""
    if found["window_left"] is None:
        return []
    window = f"window left {countdown(found['window_left'])}"
    kept = found["window"]["reserve"]
    less = f" less {measured(kept)} reserve" if kept else ""
    if found["decide_by"] is not None:
        by, within = datetime.fromisoformat(found["decide_by"]).timestamp(), found["decide_in"]
        late = f"rollback no longer fits, by {left(within)}"
        return [f"{window}, {f'decide by {hour(by, off)} in {left(within)}' if within >= 0 else late}"]
    margin = f"margin {'-' if found['margin'] < 0 else ''}{left(found['margin'])}"
    if found["back_by"] is None:
        return [f"{window}{less}, {margin}"]
    back = datetime.fromisoformat(found["back_by"]).timestamp()
    return [f"{window}{less}, rollback is back by {hour(back, off)}, {margin}"]


def _call(halt: dict[str, Any]) -> str:
    return f"{halt['by'] or 'somebody'} at {halt['at'] or 'no known time'}: {halt['reason'] or 'no reason given yet'}"


def _run(run: dict[str, Any]) -> str:
    took = "unknown" if run["seconds"] is None else span(run["seconds"])
    match run.get("command"):
        case "finished":
            return f"{run['title']}: its command {run['ended']}; no station has taken that in"
        case "alive":
            return f"{run['title']}: its command goes on by itself, {took}; no station follows it"
        case "lost":
            return f"{run['title']}: neither its command nor its result is there; what it did is unknown"
        case _:
            return f"{run['state']}: {run['title']}, {took}"
