"""Whatever the night, every key that the next line names works now: its command is there, and the rules agree."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from sessionbook import DBA, LEAD, Book
from test_next_line import answer
from test_rules import WATCHED
from test_rules_as_properties import Night

from quarterdeck.console.commands import all_commands
from quarterdeck.console.commands.base import No, applies
from quarterdeck.console.commands.questions import answered_by
from quarterdeck.console.context import Situation
from quarterdeck.console.keys import Keymap
from quarterdeck.session import intents as wanted
from quarterdeck.session.next_line import NextLine, next_line
from quarterdeck.session.parts import Proof
from quarterdeck.session.rollback import due_items
from quarterdeck.session.state import Session

KEYS = Keymap(all_commands())
NAMED = re.compile(r"(?:(?<=[·:,;?] )|(?<=^))(enter|\^p|[A-Zv])(?= [a-z])")
"""As the pane finds the keys that it lets stand out."""
BLIND = re.compile(r"^BLIND: [^·]* · ")
GOES_ON = ("starting:", "verifying:", "next by itself:", "running:", "waiting for", "waiting", "reading again")


def unavailable(session: Session, now: float, said: NextLine) -> list[str]:
    """Keys that the line names and that would be refused, with why."""
    situation = Situation(session=session, now=now, me=LEAD, named=said.step)
    refused = []
    for key in dict.fromkeys([said.key, *NAMED.findall(said.text.partition(" · then ")[0])]):
        commands = KEYS.find({"^p": "ctrl+p"}.get(key, key)) if key else []
        if key == "enter":
            commands = [KEYS.by_id[found] for found in [answered_by(situation)] if found]
        answers = [applies(command, situation) for command in commands]
        if key and not any(not isinstance(answer, No) for answer in answers):
            refused.append(f"{key}: {answers}")
    return refused


def needs_no_key(session: Session, said: NextLine) -> bool:
    """Whether something goes on by itself, so that nobody has to press anything."""
    busy = any(run.state in {"granted", "running", "verifying"} or run.retry_at for run in session.steps.values())
    return busy or BLIND.sub("", said.text).startswith(GOES_ON) or None in session.rechecks.values()


class Nexts(Night):
    """Every night of the rule book's, with an eye on the line; its build has a `gone` check."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Book(WATCHED)

    @rule(ok=st.sampled_from([True, False, None]))
    def what_is_undone_is_looked_for(self, ok: bool | None) -> None:
        for item in due_items(self.session):
            if item.asks:
                self.ask(wanted.ProveGone(step=item.undoes, proof=Proof("idle", ok, "1 runs")))

    @rule(guard=st.sampled_from(["slow", "full"]), sees=st.booleans())
    def a_guard_is_blind(self, guard: str, sees: bool) -> None:
        self.ask(wanted.GuardSighted(guard=guard) if sees else wanted.GuardBlinded(guard=guard, why="no reading"))

    @rule(times=st.integers(1, 6))
    def follow_it(self, times: int) -> None:
        """What it asks of a person, in a way that the rules let happen."""
        for _ in range(times):
            said = next_line(self.session, self.book.now, LEAD)
            if (said.question or said.key in {*"SDBG"}) and said.question not in {
                "verify",
                "failed",
                "gates",
                "proposal",
            }:
                self.ask(*answer(self.book, said))

    @rule(seconds=st.sampled_from([5.0, 700.0]))
    def a_step_that_runs_ends_badly(self, seconds: float) -> None:
        self.start_what_may(0)
        self.book.wait(seconds)
        self.commands_return(1, False, "")
        self.verifications_are_read(False)
        for run in self.session.running():
            self.fail_or_skip_or_accept(run.id, "it broke", LEAD)

    @rule(step=st.sampled_from(["build", "swap", "look"]))
    def somebody_takes_a_step(self, step: str) -> None:
        self.ask(wanted.ClaimStep(step=step), DBA)

    @invariant()
    def what_next_names_works(self) -> None:
        said = next_line(self.session, self.book.now, LEAD)
        refused = unavailable(self.session, self.book.now, said)
        assert not refused, f"{said.text!r} in {self.session.state}: {refused}"
        assert said.key or needs_no_key(self.session, said), f"{said.text!r} in {self.session.state}"


TestNexts = Nexts.TestCase
TestNexts.settings = settings(
    max_examples=120, stateful_step_count=45, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
