"""Leaving this console, which is never the same as ending the session."""

from __future__ import annotations

from quarterdeck.console.commands.base import Command, Desk
from quarterdeck.console.forms import Choice, Form, choice

__all__ = ["CtrlC", "Leave", "Suspend"]


class Leave(Command):
    """Leaves this console. A live session goes on in its station; you are told how to come back."""

    id = "leave"
    title = "Leave this console"
    key = "Q"
    everywhere = ("ctrl+q",)
    of_view = True

    async def run(self, desk: Desk) -> None:
        """Ask what of a live session, then leave."""
        session = desk.situation.session
        demo = session.purpose == "demo"
        if session.is_over or session.plan is None or (not session.is_live_session and not demo):
            desk.leave()
            return
        offers = [Choice("1", "detach", "detach", f"it goes on; come back with: quarterdeck attach {session.id}")]
        if demo:
            offers.append(Choice("2", "end", "end the demo", "its service, its traffic and its session end"))
        offers.append(Choice("3" if demo else "2", "stay", "stay here"))
        answers = await desk.fill(
            Form("leave", "Leave: the session is live", fields=(choice("what", "", *offers),), survives_halt=True)
        )
        if answers is not None and answers["what"] != "stay":
            desk.leave(end=answers["what"] == "end")


class CtrlC(Command):
    """Does nothing but say which keys leave and halt: a habit must not end a console in the middle of the night."""

    id = "ctrl_c"
    title = "Ctrl+C: say which keys leave and halt"
    key = "ctrl+c"
    in_palette = False
    of_view = True

    async def run(self, desk: Desk) -> None:
        desk.say("Ctrl+C does nothing here: Q leaves, H halts, y copies")


class Suspend(Command):
    """Puts this console into the background; fg brings it back. The session goes on meanwhile."""

    id = "suspend"
    title = "Suspend this console (fg comes back)"
    key = "ctrl+z"
    of_view = True

    async def run(self, desk: Desk) -> None:
        await desk.view.suspend()
