"""What must not be missed of a session that is not on screen: header, banner, log and the list of sessions say it."""

from __future__ import annotations

from quarterdeck.console.panes.endpoints import condition
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.next_line.words import Words
from quarterdeck.text import visible

__all__ = ["alarm_of", "alarms_of", "told"]


def alarms_of(shown: Snapshot) -> dict[tuple[str, str], str]:
    """What must not be missed of a session that is not on screen, the gravest first: what it is, in words."""
    session = shown.session
    found: dict[tuple[str, str], str] = {}
    halts = session.live_halts() if not session.is_over else ()
    if halts:
        mark = session.halts[halts[-1]]
        by = visible(Words(session, shown.now, shown.me).halter(mark), 40)
        reason = f": {visible(mark.reason, 120)}" if mark.reason else ""
        still = "HALTING, halted" if session.running() else "HALTED"
        found["halt", mark.nonce] = f"{still} by {by}{reason}"
    for proposal in session.open_proposals():
        found["proposal", f"{proposal.guard} {proposal.at}"] = f"HALT PROPOSED: {visible(proposal.reason, 120)}"
    if shown.contact == "lost":
        found["contact", ""] = f"NO STATION: quarterdeck attach {session.letters} brings it back"
    elif shown.contact == "hung":
        found["contact", ""] = "NO ANSWER from its station"
    else:
        critical = [target for target in shown.readings if condition(shown, target) == "critical"]
        found |= {("critical", target): f"{visible(target, 40)} critical" for target in critical}
    return found


def alarm_of(shown: Snapshot) -> str:
    """The gravest of them; empty where all is well."""
    return next(iter(alarms_of(shown).values()), "")


def told(shown: Snapshot, alarm: str) -> str:
    """An alarm where another session is on screen: `HALTED by dana in Move the orders (kfwz): errors in checkout`."""
    what, colon, why = alarm.partition(": ")
    return f"{what} in {visible(shown.session.called, 120)}{colon}{why}"
