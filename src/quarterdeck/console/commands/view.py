"""What changes only this console: open, help, palette, layout, theme, panes, contacts, copy, write and leave.

Leaving a console is never the same as ending the session.
"""

from __future__ import annotations

from quarterdeck.console.commands.base import YES, Available, Command, Desk, No
from quarterdeck.console.commands.questions import answered_by, ask_open
from quarterdeck.console.context import Situation
from quarterdeck.console.forms import Choice, Form, choice

__all__ = [
    "Contacts",
    "Copy",
    "CtrlC",
    "Filter",
    "Follow",
    "Help",
    "Layout",
    "Leave",
    "Links",
    "NextPane",
    "Open",
    "OpenRow",
    "Output",
    "Palette",
    "Sessions",
    "Suspend",
    "Theme",
    "Watched",
    "Why",
    "Write",
]


class Open(Command):
    """Opens what the cursor stands on in the pane with the focus, also while something is asked.

    That is everything known of a target, or every event of an entry of the log. From everywhere else it answers the
    question that is open; without one it opens the selected step.
    """

    id = "open"
    title = "Open what the cursor stands on, or answer the open question"
    key = "enter"
    place = 10
    word = "open"
    of_view = True

    def label(self, situation: Situation) -> str:
        """`answer` while something is asked, but where the cursor stands on a row."""
        return "answer" if answered_by(situation) and not situation.at_row else "open"

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        command = "" if situation.at_row else answered_by(situation)
        if command in {"declare_gone", "declare_effect", "answer_left", "decide_undo"}:
            await ask_open(desk)
        elif command:
            await desk.perform(command)
        else:
            await _open_row(desk)


class OpenRow(Command):
    """Opens what the cursor stands on in the pane with the focus, also while enter answers a question."""

    id = "open_row"
    title = "Open what the cursor stands on"
    key = "o"
    any_case = True
    place = 10
    word = "open"
    of_view = True

    def label(self, situation: Situation) -> str:
        """Shown while enter does something else."""
        return self.word if answered_by(situation) and not situation.at_row else ""

    async def run(self, desk: Desk) -> None:
        await _open_row(desk)


async def _open_row(desk: Desk) -> None:
    """The row in a pane with a cursor; without one the selected step."""
    if not await desk.view.open_row():
        situation = desk.situation
        await desk.view.open(situation.selected or situation.named)


class Output(Command):
    """All that a step's command printed, each attempt of it: to scroll, to search, to copy, to write to a file."""

    id = "output"
    title = "Read all output of a step"
    word = "output"
    of_view = True

    def available(self, situation: Situation) -> Available:
        return YES if self._printing(situation) else No("no command has run yet")

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        steps = self._printing(situation)
        chosen = situation.selected or situation.named
        step = chosen if chosen in steps else await desk.which("Read the output", steps)
        if step:
            await desk.view.output(step)

    def _printing(self, situation: Situation) -> list[str]:
        """Steps whose command ran, the latest first."""
        begun = [run for run in situation.session.steps.values() if any(attempt.id for attempt in run.runs)]
        return [run.id for run in sorted(begun, key=lambda run: -run.sequence)]


class Help(Command):
    """Every key and what it does."""

    id = "help"
    title = "Help: every key"
    key = "?"
    everywhere = ("f1",)
    place = 11
    word = "help"
    of_view = True

    async def run(self, desk: Desk) -> None:
        await desk.view.help()


class Palette(Command):
    """Everything that can be done now, by name; type to find it."""

    id = "palette"
    title = "Palette: everything that can be done now"
    key = "ctrl+p"
    everywhere = ("ctrl+p",)
    place = 13
    word = "palette"
    in_palette = False
    of_view = True

    async def run(self, desk: Desk) -> None:
        await desk.view.palette()


class Sessions(Command):
    """Lists the sessions of this host that are open, each with its state, clocks and worst target, to switch to one.

    H always halts the one on screen. What happens in the others is said here too.
    """

    id = "sessions"
    title = "Sessions: switch to another one"
    key = "u"
    any_case = True
    place = 11
    word = "sessions"
    of_view = True

    def available(self, situation: Situation) -> Available:
        """Where there is another."""
        return YES if situation.others else No("no other session is open on this host")

    async def run(self, desk: Desk) -> None:
        await desk.view.sessions()


class Layout(Command):
    """Shows the next layout."""

    id = "layout"
    title = "Next layout"
    key = "l"
    any_case = True
    of_view = True

    async def run(self, desk: Desk) -> None:
        await desk.view.layout()


class Theme(Command):
    """Picks the colours: also high contrast, and colours that a colour-blind eye keeps apart."""

    id = "theme"
    title = "Colours"
    of_view = True

    async def run(self, desk: Desk) -> None:
        await desk.view.theme()


class NextPane(Command):
    """Moves to the next pane. Where panes are tabs, 1 to 4 show them."""

    id = "next_pane"
    title = "Next pane"
    key = "tab"
    in_palette = False
    of_view = True

    async def run(self, desk: Desk) -> None:
        await desk.view.next_pane()


class Filter(Command):
    """Shows only the rows of the focused pane (else of the steps' list) that match what you type.

    A step matches where each word stands in its title, owner, state, tags, id or stage, or is its number; an entry of
    the log by step, person, kind and text. Enter keeps the filter and goes to the list; escape shows all rows again,
    and so does a halt.
    """

    id = "filter"
    title = "Filter the list"
    key = "/"
    place = 12
    word = "filter"
    of_view = True

    async def run(self, desk: Desk) -> None:
        await desk.view.filter()


class Follow(Command):
    """Lets the list follow the session again, after you moved to another step, and takes filters away.

    It follows by itself once that step has ended, once you start another one, after a minute without a key or the
    mouse, and after a halt.
    """

    id = "follow"
    title = "Follow the session in the list"
    key = "escape"
    in_palette = False
    of_view = True

    async def run(self, desk: Desk) -> None:
        await desk.view.follow()


class Contacts(Command):
    """Who has which role, and who stands in for whom."""

    id = "contacts"
    title = "Contacts: who has which role"
    key = "c"
    any_case = True
    of_view = True

    def available(self, situation: Situation) -> Available:
        return YES if situation.session.plan is not None else No("the plan is not here yet")

    async def run(self, desk: Desk) -> None:
        await desk.view.contacts()


class Links(Command):
    """Dashboards, tickets and documents of the procedure and of the selected step."""

    id = "links"
    title = "Links and documents"
    of_view = True

    def available(self, situation: Situation) -> Available:
        plan = situation.session.plan
        if plan is None:
            return No("the plan is not here yet")
        step = situation.step(situation.selected or situation.named)
        found = plan.procedure.links or plan.procedure.documents or (step.links if step else ())
        return YES if found else No("the procedure names no links")

    async def run(self, desk: Desk) -> None:
        await desk.view.links()


class Watched(Command):
    """Each target's last reading in full: why it is so, and every value with its unit."""

    id = "watched"
    title = "Everything watched, in full"
    key = "m"
    any_case = True
    of_view = True

    async def run(self, desk: Desk) -> None:
        await desk.view.watched()


class Why(Command):
    """Opens the target in question, with how it was judged, its chart and the guards that read it.

    That is what a guard proposes a halt for or cannot read, what NEXT waits for, what is not ok, and what the step
    that you moved to names. Of several it asks which; without any it asks for one of all.
    """

    id = "why"
    title = "Why: a target in full, the one in question first"
    key = "i"
    any_case = True
    place = 9
    word = "why"
    of_view = True

    def label(self, situation: Situation) -> str:
        """With the target's name; nothing while all is well."""
        found = _in_question(situation)
        return f"{self.word} {found[0]}" if found else ""

    def available(self, situation: Situation) -> Available:
        plan = situation.session.plan
        return YES if plan is not None and plan.procedure.targets else No("nothing is watched")

    async def run(self, desk: Desk) -> None:
        from quarterdeck.console.subjects import of_step

        situation = desk.situation
        plan = situation.session.plan
        found = list(dict.fromkeys((*_in_question(situation), *of_step(situation.session, situation.selected))))
        found = found or list(plan.procedure.targets if plan is not None else ())
        answers = {"target": found[0]} if len(found) == 1 else await desk.fill(_which_target(situation, found))
        if answers is not None:
            await desk.view.target(answers["target"])


def _in_question(situation: Situation) -> list[str]:
    from quarterdeck.console.subjects import in_question

    return in_question(situation.session, situation.readings, situation.named, situation.now)


def _which_target(situation: Situation, names: list[str]) -> Form:
    """One of several, each with its status and why."""
    keys = "123456789abcdefgijklmnopqrstuvwxyz"

    def said(name: str) -> str:
        reading = situation.readings.get(name)
        return "not read yet" if reading is None else ": ".join(filter(None, (reading.status, reading.message)))

    options = (Choice(key, name, name, said(name)) for key, name in zip(keys, names, strict=False))
    return Form("target", "Which target?", fields=(choice("target", "", *options, initial=names[0]),))


class Copy(Command):
    """Copies the selected text, or the focused pane's, to your terminal's clipboard (OSC 52).

    Some terminals refuse that: w writes it to a file.
    """

    id = "copy"
    title = "Copy to the clipboard"
    key = "y"
    any_case = True
    of_view = True

    async def run(self, desk: Desk) -> None:
        await desk.view.copy()


class Write(Command):
    """Writes the selected text, or the focused pane's, to a file in the current folder, and says which."""

    id = "write"
    title = "Write to a file"
    key = "w"
    any_case = True
    of_view = True

    async def run(self, desk: Desk) -> None:
        await desk.view.write()


def pick_theme(names: tuple[str, ...], current: str) -> Form:
    """The bar that picks one of the themes."""
    options = (Choice(str(n), name, name) for n, name in enumerate(names, 1))
    return Form("theme", "Colours", fields=(choice("theme", "", *options, initial=current),), survives_halt=True)


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
        offers = [Choice("D", "detach", "detach", f"it goes on; come back with: quarterdeck attach {session.id}")]
        if demo:
            offers.append(Choice("E", "end", "end the demo", "its service, its traffic and its session end"))
        offers.append(Choice("S", "stay", "stay here"))
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
