"""The rules one by one, as sentences; the numbers are those of the rule book."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import get_args, get_type_hints

import msgspec
import pytest
from sessionbook import DBA, LEAD, NIGHT, OBSERVER, START, Book

from quarterdeck.procedure.model import Step
from quarterdeck.session import events as happened
from quarterdeck.session import intents as wanted
from quarterdeck.session.availability import view
from quarterdeck.session.event import Actor, Event, decode
from quarterdeck.session.events import Draft, sentence
from quarterdeck.session.fold import Folding, fold
from quarterdeck.session.forecast import Forecast, clocks, need, rest
from quarterdeck.session.next_line import next_line
from quarterdeck.session.parts import Proof
from quarterdeck.session.rollback import preview
from quarterdeck.session.rules.answer import WORDS, Wish


@pytest.fixture
def book() -> Book:
    return Book().begin()


def at_build(book: Book) -> Book:
    """Counted and frozen; the long command runs."""
    counted(book)
    book.run("freeze")
    book.ask(wanted.StartStep(step="build", launch=wanted.Launch(run="run-build")))
    book.wait(60)
    return book


def counted(book: Book) -> None:
    book.ask(wanted.StartStep(step="count", launch=wanted.Launch(run="run-count")))
    book.returned("count", values={"rows": "7"})


def to_no_return(book: Book) -> Book:
    counted(book)
    for step in ("freeze", "build", "swap"):
        book.run(step)
    book.ask(wanted.StartStep(step="look"))
    book.ask(wanted.FinishStep(step="look", values={"seconds": "0.4"}))
    book.run("ask", 1)
    return book


# ---------------------------------------------------------------- halt


NAMES = {"after", "criterion", "guard", "item", "name", "nonce", "path", "role", "step", "typed"}
"""Texts of people's intents that name something or are held against a word: never free words."""


def test_every_text_that_a_person_writes_freely_passes_the_redaction() -> None:
    for intent in (each for each in get_args(wanted.Intent) if each.of_people):
        texts = {name for name, kind in get_type_hints(intent).items() if kind in {str, dict[str, str]}}
        assert texts <= WORDS | NAMES, f"{intent.__name__}: {texts - WORDS - NAMES} is a name, or free words?"
    told = wanted.FinishStep(step="hush", values={"a": "hush"}, note="hush").without_secrets(
        lambda text: text.replace("hush", "-")
    )
    assert told == wanted.FinishStep(step="hush", values={"a": "-"}, note="-")


def test_r1_halt_outranks_an_open_poll(book: Book) -> None:
    counted(book)
    for step in ("freeze", "build", "swap"):
        book.run(step)
    book.ask(wanted.SkipStep(step="look", reason="nobody there"))
    book.ask(wanted.StartStep(step="ask"))
    assert "poll.closed" in book.ask(wanted.Halt(nonce="n1"))
    assert book.session.polls["ask"].result == "void"
    assert book.state == "halted"
    assert "nothing" not in book.refused(wanted.AnswerPoll(step="ask", role="lead", answer="go")).why


def test_r2_a_halt_that_the_answer_did_not_know_stays_live(book: Book) -> None:
    counted(book)
    book.halt("n1", "first")
    book.halt("n2", "second")
    refusal = book.refused(wanted.GoOn(halts=("n1",), reason="it was nothing"))
    assert "does not answer" in refusal.why
    assert book.state == "halted"
    book.go_on(reason="both seen")
    assert book.state == "paused"


def test_r2_a_committed_rollback_answers_a_halt_whose_author_had_not_seen_it(book: Book) -> None:
    at_build(book)
    book.halt("n1", "slow")
    book.returned("build", outcome="terminated", ended_by="halt")
    book.ask(wanted.DeclareEffect(step="build", effect="none", sure=True))
    book.roll_back()
    late = Book()
    late.halt("late")
    halt = late.events[-1]
    fields = {name: getattr(halt, name) for name in halt.__struct_fields__}
    elsewhere = Event(**{**fields, "replica": "r2", "aseq": 1, "lamport": book.session.lamport + 1})
    book.folding.add(elsewhere)
    assert not book.session.live_halts()
    assert book.state == "rolling_back"
    assert any("late halt" in d.what for d in book.session.deviations)


@pytest.mark.parametrize("who", [LEAD, DBA, OBSERVER])
def test_r3_nobody_is_refused_a_halt(book: Book, who: Actor) -> None:
    book.halt("n1", by=who)
    assert book.state == "halted"
    book.halt("n2", by=DBA)
    assert book.session.live_halts() == ("n1", "n2")


def test_r4_halting_lasts_until_the_command_is_over(book: Book) -> None:
    at_build(book)
    book.halt()
    assert book.state == "halting"
    assert "still runs" in book.refused(wanted.GoOn(halts=("n1",), reason="x")).why
    book.returned("build", outcome="terminated", ended_by="halt")
    assert book.state == "halted"
    assert (book.step("build").state, book.step("build").effect) == ("interrupted", "unknown")


@pytest.mark.parametrize(("effect", "state"), [("none", "pending"), ("partial", "interrupted"), ("full", "done")])
def test_r5_a_manual_steps_owner_is_asked_one_question(book: Book, effect: str, state: str) -> None:
    counted(book)
    book.ask(wanted.StartStep(step="freeze"))
    book.halt()
    assert book.state == "halting"
    book.ask(wanted.DeclareEffect(step="freeze", effect=effect))  # type: ignore[arg-type]  # one of its words
    assert (book.step("freeze").state, book.step("freeze").effect) == (state, effect)
    assert book.state == "halted"


def test_r6_no_rollback_while_an_effect_is_unknown_but_by_waiver(book: Book) -> None:
    at_build(book)
    book.halt("n1", "slow")
    book.returned("build", outcome="terminated", ended_by="halt")
    refusal = book.refused(wanted.RollBack(halts=("n1",), typed="ROLLBACK"))
    assert refusal.waivable == "waiver"
    book.roll_back(waiver="nobody can look")
    assert book.state == "rolling_back"
    assert any(d.weight == "exception" and "unknown" in d.what for d in book.session.deviations)


def test_r6_an_undo_of_half_a_change_never_runs_unasked(book: Book) -> None:
    at_build(book)
    book.halt("n1", "slow")
    book.returned("build", outcome="terminated", ended_by="halt")
    book.ask(wanted.DeclareEffect(step="build", effect="partial"))
    book.roll_back()
    book.ask(wanted.RunMine())
    assert book.step("drop-new").state == "pending"
    assert "pick first" in book.refused(wanted.StartStep(step="drop-new")).why
    book.ask(wanted.DecideUndo(step="build", choice="run"))
    assert book.step("drop-new").state == "running"


def test_r6_what_is_not_proven_gone_keeps_it_halting_until_declared(book: Book) -> None:
    at_build(book)
    book.halt("n1", "slow")
    book.returned("build", outcome="terminated", ended_by="halt", survivors=("4711 root psql",))
    assert book.state == "halting"
    book.ask(wanted.DeclareGone(step="build", note="killed by hand"))
    assert book.state == "halted"


def test_r7_the_list_is_newest_first_with_each_undo_in_written_order(book: Book) -> None:
    counted(book)
    for step in ("freeze", "build", "swap"):
        book.run(step)
    shown = preview(book.session)
    assert [item.step for item in shown.items] == ["swap-back", "drop-new", "tell", "unfreeze", "still-there"]
    assert [item.owner for item in shown.items] == ["dba", "dba", "dba", "dba", "lead"]
    assert shown.left_out["count"] == "changes nothing"
    assert shown.left_out["drop-old"] == "never started"
    assert shown.seconds == 120 + 60 + 60 + 120 + 60


def test_r7_an_added_step_is_in_the_list(book: Book) -> None:
    at_build(book)
    undo = Step(id="close-port", title="Close it", duration=60, owner="dba")
    added = Step(id="open-port", title="Open a port", duration=60, mutates=True, undo=(undo,))
    book.ask(wanted.AddStep(step=added, already_done=book.now, reason="needed it"))
    assert preview(book.session).items[0].step == "close-port"


def test_r8_after_the_point_of_no_return_nobody_says_rollback(book: Book) -> None:
    to_no_return(book)
    book.ask(wanted.StartStep(step="drop-old", launch=wanted.Launch(run="run-drop")))
    assert book.session.past_no_return
    book.returned("drop-old")
    book.halt("n1", "search is broken")
    assert "point of no return" in book.refused(wanted.RollBack(halts=("n1",), typed="ROLLBACK")).why
    book.ask(wanted.StartContingency(halts=("n1",), reason="build it again"))
    book.run("rebuild")
    book.run("recount")
    book.ask(wanted.AnswerCriterion(criterion="users", satisfied=True))
    book.ask(wanted.EndSession())
    assert book.session.outcome == "recovered"


def test_r8_it_is_not_passed_when_its_owner_says_that_nothing_changed(book: Book) -> None:
    to_no_return(book)
    book.ask(wanted.StartStep(step="drop-old", launch=wanted.Launch(run="run-drop")))
    book.returned("drop-old", outcome="not_found", exit_code=None)
    assert book.session.past_no_return
    book.ask(wanted.DeclareEffect(step="drop-old", effect="none", note="command not found"))
    assert not book.session.past_no_return


def test_r9_a_failed_undo_pauses_and_the_next_never_starts_over_it(book: Book) -> None:
    counted(book)
    for step in ("freeze", "build", "swap"):
        book.run(step)
    book.halt("n1", "slow")
    book.roll_back()
    book.ask(wanted.RunMine())
    book.returned("swap-back", exit_code=1)
    assert book.state == "rollback_paused"
    book.go_on()
    assert "first" in book.refused(wanted.StartStep(step="drop-new")).why
    book.ask(wanted.StartStep(step="swap-back", launch=wanted.Launch(run="again")))
    book.returned("swap-back")
    assert book.step("swap").undone


def test_r10_there_is_no_way_back_from_a_rollback(book: Book) -> None:
    counted(book)
    book.run("freeze")
    book.halt("n1", "slow")
    book.roll_back()
    assert "not part of what runs now" in book.refused(wanted.StartStep(step="build")).why
    book.halt("n2", "wait")
    assert book.state == "rollback_paused"
    book.go_on(reason="go")
    assert book.state == "rolling_back"
    assert "already" in book.refused(wanted.RollBack(typed="ROLLBACK")).why


def test_r11_go_on_lands_in_paused_and_reads_again_what_has_aged(book: Book) -> None:
    counted(book)
    for step in ("freeze", "build", "swap"):
        book.run(step)
    book.wait(700)
    book.halt("n1", "look at it")
    book.go_on(reason="it was nothing")
    assert book.state == "paused"
    assert book.session.rechecks == {"swap": None}
    assert "verified again" in book.refused(wanted.GoOn()).why
    book.ask(wanted.VerificationRead(step="swap", attempt=1, proofs=(Proof("api", False),), recheck=True))
    assert book.refused(wanted.GoOn()).waivable == "accept"
    book.ask(wanted.GoOn(accept="known"))
    assert book.state == "running"
    assert any("not verified again" in d.what for d in book.session.deviations)


def test_r11_after_a_long_halt_the_last_poll_is_asked_again(book: Book) -> None:
    to_no_return(book)
    book.halt("n1", "hm")
    book.wait(400)
    book.go_on(reason="fine")
    assert book.session.poll_again == "ask"
    assert "asked again" in book.refused(wanted.GoOn()).why
    book.ask(wanted.StartStep(step="ask"))
    book.ask(wanted.AnswerPoll(step="ask", role="lead", answer="go"))
    book.ask(wanted.AnswerPoll(step="ask", role="dba", answer="go"))
    book.ask(wanted.GoOn())
    assert book.state == "running"


def test_r11_undo_only_the_last_step_then_pause(book: Book) -> None:
    counted(book)
    for step in ("freeze", "build"):
        book.run(step)
    book.halt("n1", "wrong index")
    assert "only the latest" in book.refused(wanted.UndoStep(step="freeze", halts=("n1",))).why
    book.ask(wanted.UndoStep(step="build", halts=("n1",)))
    assert book.state == "paused"
    for undo in ("drop-new", "tell"):
        book.run(undo)
    assert (book.step("build").state, book.step("build").effect) == ("pending", "none")
    book.ask(wanted.GoOn())
    book.run("build")
    assert [i.step for i in preview(book.session).items][:2] == ["drop-new", "tell"]


def test_r12_a_no_go_before_start_leaves_it_planned_and_later_pauses() -> None:
    from sessionbook import NIGHT

    poll = (
        "preconditions:\n  - {id: ready, kind: poll, title: Ready?, question: Ready?, roles: [lead], duration: 1m}\n"
    )
    book = Book(NIGHT + poll)
    assert "has not passed" in book.refused(wanted.StartSession()).why
    book.ask(wanted.StartStep(step="ready"))
    book.ask(wanted.AnswerPoll(step="ready", role="lead", answer="no_go", comment="dba is ill"))
    assert book.state == "planned"
    book.run("ready", 1)
    book.begin()
    to_no_return_but_the_poll(book)
    book.ask(wanted.AnswerPoll(step="ask", role="lead", answer="no_go"))
    assert book.state == "paused"


def to_no_return_but_the_poll(book: Book) -> None:
    counted(book)
    for step in ("freeze", "build", "swap"):
        book.run(step)
    book.ask(wanted.SkipStep(step="look", reason="x"))
    book.ask(wanted.StartStep(step="ask"))


def test_r12_a_silent_poll_pauses(book: Book) -> None:
    to_no_return_but_the_poll(book)
    book.wait(301)
    assert book.state == "paused"
    assert book.session.polls["ask"].result == "timeout"


def test_r13_a_guard_proposes_and_a_person_presses(book: Book) -> None:
    book.ask(wanted.GuardHolds(guard="slow", reason="900 ms", value=0.9))
    assert book.state == "running"
    assert "a guard proposes" in book.refused(wanted.StartStep(step="count")).why
    book.wait(121)
    assert book.state == "paused"
    assert book.session.proposals["slow"].state == "lapsed"
    assert book.refused(wanted.GoOn()).waivable == "override"
    book.ask(wanted.GoOn(override="we know"))
    counted(book)


def test_r13_a_halt_that_answers_a_proposal_takes_its_reason_along(book: Book) -> None:
    book.ask(wanted.GuardHolds(guard="slow", reason="900 ms", value=0.9))
    book.halt("n1")
    mark = book.session.halts["n1"]
    assert (mark.reason, mark.guard, mark.source) == ("900 ms", "slow", "person")
    assert book.session.proposals["slow"].state == "answered"


def test_r13_a_dismissed_proposal_comes_again_when_it_cleared_or_worsens(book: Book) -> None:
    book.ask(wanted.GuardHolds(guard="slow", reason="900 ms", value=0.9))
    book.refused(wanted.DismissProposal(guard="slow", reason=""))
    book.ask(wanted.DismissProposal(guard="slow", reason="known"))
    assert book.ask(wanted.GuardHolds(guard="slow", reason="910 ms", value=0.91)) == []
    assert "guard.proposed" in book.ask(wanted.GuardHolds(guard="slow", reason="2 s", value=2.0))
    book.ask(wanted.DismissProposal(guard="slow", reason="known"))
    book.ask(wanted.GuardReleased(guard="slow"))
    assert "guard.proposed" in book.ask(wanted.GuardHolds(guard="slow", reason="900 ms", value=0.9))


def test_r13_automatic_halt_needs_both_to_opt_in() -> None:
    careful = Book().begin()
    careful.ask(wanted.GuardHolds(guard="down", reason="down"))
    assert careful.session.state == "running"
    assert careful.session.proposals["down"].state == "open"
    bold = Book()
    bold.ask(wanted.StartSession(start=START, end=START + 7200, automatic_halts=("down", "slow")))
    assert bold.session.automatic_halts == ("down",)
    bold.ask(wanted.GuardHolds(guard="down", reason="down"))
    assert bold.session.state == "halted"


def test_r13_in_a_rollback_guards_only_warn(book: Book) -> None:
    counted(book)
    book.run("freeze")
    book.halt("n1", "slow")
    book.roll_back()
    assert book.ask(wanted.GuardHolds(guard="slow", reason="2 s", value=2.0)) == ["guard.warned"]
    book.ask(wanted.RunMine())
    assert book.step("unfreeze").state == "running"


# ---------------------------------------------------------------- crash and honesty


def test_r14_after_a_crash_it_reopens_paused_and_nothing_runs_again(book: Book) -> None:
    at_build(book)
    book.ask(wanted.CrashFound(gap=3, found={"build": "lost"}))
    assert book.state == "paused"
    assert (book.step("build").state, book.step("build").effect) == ("unknown", "unknown")
    book.ask(wanted.GoOn())
    assert book.step("build").state == "unknown"
    assert "say first" in book.refused(wanted.StartStep(step="build", launch=wanted.Launch(run="x"))).why
    book.ask(wanted.DeclareEffect(step="build", effect="none", sure=True))
    book.ask(wanted.StartStep(step="build", launch=wanted.Launch(run="x")))
    assert book.step("build").attempt == 2


def test_r14_an_automatic_retry_only_for_what_may_be_repeated(book: Book) -> None:
    counted(book)
    book.run("freeze")
    book.run("build")
    book.ask(wanted.StartStep(step="swap", launch=wanted.Launch(run="one", hosts=("db01",))))
    book.returned("swap", exit_code=1)
    assert book.state == "running"
    book.wait(6)
    assert (book.step("swap").state, book.step("swap").attempt) == ("running", 2)
    book.returned("swap", exit_code=1)
    assert book.state == "paused"


def test_r15_a_handled_failure_stays_in_the_record(book: Book) -> None:
    at_build(book)
    book.returned("build", exit_code=3)
    book.ask(wanted.DeclareEffect(step="build", effect="none", sure=True))
    book.ask(wanted.StartStep(step="build", launch=wanted.Launch(run="two")))
    book.returned("build")
    assert book.step("build").state == "done"
    assert [run.exit_code for run in book.step("build").runs] == [3, 0]


def test_r16_exceptions_change_the_outcomes_name_and_notes_do_not(book: Book) -> None:
    counted(book)
    book.ask(wanted.FinishStep(step="freeze", by_hand=True))
    book.halt("n1", "slow")
    book.roll_back()
    book.run("unfreeze")
    book.run("still-there", 1)
    book.run("recount")
    book.ask(wanted.AnswerCriterion(criterion="users", satisfied=True))
    book.ask(wanted.EndSession())
    assert book.session.outcome == "rolled_back"


def test_r16_a_skip_is_an_exception_and_needs_a_reason(book: Book) -> None:
    counted(book)
    for step in ("freeze", "build", "swap"):
        book.run(step)
    assert "reason" in book.refused(wanted.SkipStep(step="look", reason=" ")).why
    book.ask(wanted.SkipStep(step="look", reason="nobody there"))
    assert [d.weight for d in book.session.deviations] == ["exception"]
    assert "may not be skipped" in book.refused(wanted.SkipStep(step="ask", reason="x")).why


def test_a_skip_keeps_the_effect_that_is_there(book: Book) -> None:
    at_build(book)
    book.returned("build", exit_code=1)
    book.ask(wanted.DeclareEffect(step="build", effect="partial"))
    book.ask(wanted.CorrectStep(step="build", state="done", reason="it is there after all"))
    assert book.step("build").effect == "full"


def test_r17_another_person_signs_where_one_is_asked(book: Book) -> None:
    to_no_return(book)
    book.run("drop-old")
    book.run("sign")
    assert book.step("sign").sign_off == "awaiting"
    assert book.state == "running", "done is not signed"
    assert book.refused(wanted.SignStep(step="sign", role="lead")).waivable == "sign_off"
    book.ask(wanted.SignStep(step="sign", role="lead"), DBA)
    assert book.state == "validating"


# ---------------------------------------------------------------- times


def test_the_rest_of_a_step_never_jumps(book: Book) -> None:
    at_build(book)
    shown = [rest(book.session, "build", START + seconds) for seconds in range(60, 4000)]
    assert all(abs(after - before) <= 1.01 for before, after in pairwise(shown))


def test_decide_by_is_the_last_moment_from_which_a_rollback_fits(book: Book) -> None:
    at_build(book)
    now = book.now
    shown = clocks(book.session, now)
    assert shown is not None
    assert book.session.window is not None
    assert shown.decide_by == book.session.window.end - 600 - need(book.session, now)
    assert shown.colour == "green"
    late = clocks(book.session, START + 7200)
    assert late is not None
    assert late.colour == "red"


def test_the_start_guard_says_what_would_remain(book: Book) -> None:
    counted(book)
    book.run("freeze")
    book.wait(5300)
    refusal = book.refused(wanted.StartStep(step="build", launch=wanted.Launch(run="x")))
    assert refusal.waivable == "start_guard"
    assert refusal.why == (
        "after this step a rollback needs 9 min 30 s; the window, less 10 min reserve, then has 6 min 10 s left"
    )
    book.ask(
        wanted.StartStep(step="build", launch=wanted.Launch(run="x"), waivers={"start_guard": "it must be today"})
    )
    assert any("would not fit" in d.what for d in book.session.deviations)


def test_the_start_guard_says_that_a_rollback_already_does_not_fit(book: Book) -> None:
    counted(book)
    book.run("freeze")
    book.wait(7000)
    refusal = book.refused(wanted.StartStep(step="build", launch=wanted.Launch(run="x")))
    assert refusal.why == (
        "a rollback already does not fit: it needs 6 min 30 s; the window, less 10 min reserve, has nothing left"
    )


def test_a_rollback_that_no_longer_fits_is_said_once_and_with_the_reserve(book: Book) -> None:
    at_build(book)
    book.wait(7200)
    told = [msgspec.json.decode(event.data) for event in book.events if event.kind == "late.noticed"]
    why = [each["detail"] for each in told if each["what"] == "decide_by_zero"]
    assert why == ["its reserve of 10 min is kept back"]


def test_who_may_start_a_step_of_another_role_is_told_the_key_and_whose_it_is(book: Book) -> None:
    counted(book)
    assert next_line(book.session, book.now, DBA).text.startswith("you: S starts ")
    text = next_line(book.session, book.now, LEAD).text
    assert text.startswith("S starts ")
    assert text.endswith(" for dba")


def test_what_grows_late_says_so_once(book: Book) -> None:
    at_build(book)
    for _ in range(40):
        book.wait(60)
    kinds = [event.kind for event in book.events]
    assert kinds.count("step.late") == 2
    assert kinds.count("late.noticed") <= 3


def test_the_forecast_rolls_forward_with_the_clock(book: Book) -> None:
    before = Forecast(book.session, START)["drop-old"]
    after = Forecast(book.session, START + 600)["drop-old"]
    assert after.start == before.start + 600
    assert after.planned_start == before.planned_start


def test_work_after_the_windows_end_is_an_exception(book: Book) -> None:
    book.wait(7300)
    book.ask(wanted.StartStep(step="count", launch=wanted.Launch(run="x"), waivers={"start_guard": "in the middle"}))
    assert any("after the window" in d.what for d in book.session.deviations)


def test_a_wall_clock_that_jumps_does_not_move_the_session(book: Book) -> None:
    moment = book.events[-1].t
    from quarterdeck.session.event import Moment

    jumped = Moment(moment.wall + 3600, moment.boot, moment.bt_ns + 5_000_000_000)
    assert book.session.clock(jumped) == pytest.approx(START + 5)


# ---------------------------------------------------------------- what no plan foresaw


def test_r29_an_added_step_says_how_it_is_undone(book: Book) -> None:
    step = Step(id="extra", title="Open a port", duration=60, mutates=True)
    assert "undone" in book.refused(wanted.AddStep(step=step, reason="needed")).why
    book.ask(wanted.AddStep(step=step, after="count", undo_later=True, reason="needed"))
    assert book.session.plan is not None
    assert book.session.plan.forward[1] == "extra"
    counted(book)
    book.run("extra")
    assert book.step("extra").effect == "full"


def test_r30_a_wrong_done_is_corrected_and_the_old_one_stays(book: Book) -> None:
    counted(book)
    book.run("freeze")
    book.ask(wanted.CorrectStep(step="freeze", state="failed", reason="it was the other catalogue"))
    assert (book.step("freeze").state, book.step("freeze").effect) == ("failed", "unknown")
    assert "step.done" in [event.kind for event in book.events if event.step == "freeze"]


def undone_first(book: Book) -> list[str]:
    return list(dict.fromkeys(item.undoes for item in preview(book.session).items if item.undoes))


def test_r30_what_is_corrected_without_a_start_counts_as_started_then(book: Book) -> None:
    undo = Step(id="close", title="Close it", duration=60)
    extra = Step(id="extra", title="Open a port", duration=60, mutates=True, skippable=True, undo=(undo,))
    book.ask(wanted.AddStep(step=extra, after="count", reason="needed"))
    book.ask(wanted.SkipStep(step="extra", reason="it is open"))
    counted(book)
    book.run("freeze")
    book.ask(wanted.CorrectStep(step="extra", state="done", reason="we opened it after all"))
    assert undone_first(book) == ["extra", "freeze"]


def test_r7_what_is_reported_done_without_a_start_counts_as_started_then_its_effect_not_known_yet(book: Book) -> None:
    counted(book)
    for step in ("freeze", "build"):
        book.run(step)
    book.ask(wanted.FinishStep(step="swap", by_hand=True))
    assert (book.step("swap").state, book.step("swap").effect) == ("verifying", "unknown")
    assert undone_first(book) == ["swap", "build", "freeze"]


def test_r7_what_is_done_by_hand_after_its_undo_is_the_latest_start(book: Book) -> None:
    counted(book)
    book.run("freeze")
    book.ask(wanted.Pause())
    book.ask(wanted.UndoStep(step="freeze"))
    book.run("unfreeze")
    book.go_on()
    extra = Step(id="extra", title="Open a port", duration=60)
    book.ask(wanted.AddStep(step=extra, undo_later=True, already_done=book.now, reason="needed"))
    book.wait(5)
    before = book.step("extra").sequence
    book.ask(wanted.FinishStep(step="freeze", by_hand=True))
    assert book.step("freeze").sequence > before


def test_r31_a_longer_window_moves_every_clock(book: Book) -> None:
    before = clocks(book.session, book.now)
    book.ask(wanted.ExtendWindow(end=START + 9000, reason="the copy is slow", approver="cto"))
    after = clocks(book.session, book.now)
    assert before is not None
    assert after is not None
    assert after.decide_by - before.decide_by == 1800
    assert [d.weight for d in book.session.deviations] == ["noted"]
    book.ask(wanted.ExtendWindow(end=START + 9600, reason="alone"))
    assert book.session.deviations[-1].weight == "exception"


def test_r32_an_answer_by_telephone_is_noted(book: Book) -> None:
    to_no_return_but_the_poll(book)
    book.ask(wanted.AnswerPoll(step="ask", role="dba", answer="go", by_phone="“go ahead”, +49 30 1"))
    assert any("telephone" in d.what for d in book.session.deviations)


# ---------------------------------------------------------------- states and the fold


def test_a_step_waits_for_those_before_it(book: Book) -> None:
    assert view(book.session, "count", book.now).state == "available"
    assert view(book.session, "freeze", book.now).state == "blocked"
    assert view(book.session, "recount", book.now).state == "pending"


def test_a_value_that_is_not_as_expected_keeps_the_step_verifying(book: Book) -> None:
    counted(book)
    for step in ("freeze", "build", "swap"):
        book.run(step)
    book.ask(wanted.StartStep(step="look"))
    assert book.refused(wanted.FinishStep(step="look")).waivable == "values"
    book.ask(wanted.FinishStep(step="look", values={"seconds": "4"}))
    assert book.step("look").state == "verifying"
    book.ask(wanted.AcceptStep(step="look", reason="the cache was cold"))
    assert book.step("look").state == "done"


def test_r24_a_start_is_granted_and_then_started(book: Book) -> None:
    kinds = book.ask(wanted.StartStep(step="count", launch=wanted.Launch(run="x")))
    assert kinds == ["step.granted", "step.started"]


def test_a_gap_freezes_forward_work_and_never_hides_a_halt(book: Book) -> None:
    counted(book)
    book.halt("n1")
    with_a_hole = [event for event in book.events if event.aseq != 4]
    session = fold(with_a_hole)
    assert session.gaps == ["r1"]
    assert session.live_halts() == ("n1",)


def test_arrival_order_and_duplicates_do_not_matter(book: Book) -> None:
    at_build(book)
    book.halt("n1", "slow")
    expected = book.session
    for seed in range(5):
        events = [*book.events, *book.events[:4]]
        random.Random(seed).shuffle(events)
        assert Folding(events).session == expected


def test_a_kind_of_a_newer_version_opens_read_only(book: Book) -> None:
    raw = book.raws[-1].replace(b'"session.started"', b'"session.teleported"')
    later = decode(raw)
    session = fold([*book.events[:-1], later])
    assert session.unknown_kinds == ["session.teleported"]


def test_r1_an_undo_of_one_step_does_not_start_under_a_live_halt_either(book: Book) -> None:
    counted(book)
    for step in ("freeze", "build"):
        book.run(step)
    book.ask(wanted.Pause())
    book.ask(wanted.UndoStep(step="build"))
    book.halt("n1", "wait")
    assert "halted" in book.refused(wanted.StartStep(step="drop-new", launch=wanted.Launch(run="x"))).why


# ---------------------------------------------------------------- several people


def test_r20_of_two_people_one_gets_a_step_and_the_other_sees_who(book: Book) -> None:
    assert book.ask(wanted.ClaimStep(step="count"), DBA) == ["step.claimed"]
    assert book.refused(wanted.ClaimStep(step="count"), LEAD).why == f"{DBA.login} has it"
    assert book.ask(wanted.ClaimStep(step="count"), DBA) == []


def test_r20_a_step_that_somebody_claimed_is_started_by_nobody_else(book: Book) -> None:
    book.ask(wanted.ClaimStep(step="count"), DBA)
    assert book.refused(wanted.StartStep(step="count"), LEAD).why == f"{DBA.login} has it"
    assert "step.started" in book.ask(wanted.StartStep(step="count", launch=wanted.Launch(run="x")), DBA)


def test_r21_a_step_runs_on_its_host_unless_the_lead_says_why_not(book: Book) -> None:
    counted(book)
    book.run("freeze")
    book.run("build")
    elsewhere = wanted.Launch(run="x", hosts=("laptop",))
    assert book.refused(wanted.StartStep(step="swap", launch=elsewhere)).waivable == "host"
    book.ask(wanted.StartStep(step="swap", launch=elsewhere, waivers={"host": "db01 is reached by its socket"}))
    assert [d.what for d in book.session.deviations] == ["ran on another host"]


def test_r25_the_committed_list_has_four_letters_that_another_list_has_not(book: Book) -> None:
    other = Book().begin()
    for each in (book, other):
        counted(each)
        each.run("freeze")
    other.run("build")
    for each in (book, other):
        each.halt("n1", "enough")
        each.roll_back()
    letters = [each.session.rollback.letters for each in (book, other) if each.session.rollback is not None]
    assert all(len(four) == 4 and four.isalpha() for four in letters)
    assert letters[0] != letters[1]


def test_r27_a_start_whose_author_could_not_know_of_the_halt_is_flagged_and_undone(book: Book) -> None:
    counted(book)
    book.halt("n1", "enough")
    assert [item.undoes for item in preview(book.session).items if item.undoes] == []
    started = Draft(happened.StepStarted(run="run-freeze"), "freeze", 1)
    book.put([Draft(happened.StepGranted(to="ben"), "freeze", 1), started], DBA)
    assert [deviation.what for deviation in book.session.deviations] == ["started before the halt was known"]
    assert [item.undoes for item in preview(book.session).items if item.undoes] == ["freeze"]


# ---------------------------------------------------------------- the far side


FAR = NIGHT.replace("command: [echo, build]", "command: [ssh, db02, build]")
UNKNOWN_THERE = "local client stopped, remote state unknown"


def far_at_build() -> Book:
    return at_build(Book(FAR).begin())


def told(book: Book) -> str:
    """What the last command's end looks like in the log."""
    ended = [event for event in book.events if event.kind == "command.ended"]
    return sentence(ended[-1], book.session.plan)


@pytest.mark.parametrize(
    "facts",
    [
        {"outcome": "terminated", "ended_by": "halt"},
        {"outcome": "terminated", "ended_by": "stop"},
        {"outcome": "terminated", "ended_by": "crash"},
        {"outcome": "timeout", "ended_by": "timeout"},
        {"outcome": "lost", "exit_code": None},
        {"outcome": "signalled", "signal": 9, "exit_code": None},
    ],
)
def test_r6_a_client_that_was_ended_says_that_the_other_side_is_unknown(facts: dict[str, object]) -> None:
    book = far_at_build()
    book.returned("build", **facts)
    run = book.step("build")
    assert run.effect == "unknown"
    assert UNKNOWN_THERE in run.reason
    assert UNKNOWN_THERE in told(book)
    assert next_line(book.session, book.now, LEAD).text.startswith(f"{UNKNOWN_THERE}: ")


def test_r6_a_stopped_client_keeps_a_halt_from_being_over_until_its_owner_looked() -> None:
    book = far_at_build()
    book.halt("n1", "slow")
    book.returned("build", outcome="terminated", ended_by="halt")
    assert book.state == "halting"
    book.ask(wanted.DeclareGone(step="build", note="nothing in the process list of db02"))
    assert book.state == "halted"


def test_r6_a_client_that_a_crash_lost_says_so_at_once() -> None:
    book = far_at_build()
    book.ask(wanted.CrashFound(gap=1.0, found={"build": "lost"}))
    assert UNKNOWN_THERE in book.step("build").reason


@pytest.mark.parametrize("proved", [True, False])
def test_r6_where_gone_looked_the_proof_is_told_instead(*, proved: bool) -> None:
    gone = "command: [ssh, db02, build]\n        gone: {command: [ssh, db02, idle]}"
    book = at_build(Book(NIGHT.replace("command: [echo, build]", gone)).begin())
    book.returned("build", outcome="terminated", ended_by="stop", gone=Proof("idle", proved, ""))
    assert UNKNOWN_THERE not in told(book) + book.step("build").reason
    assert ("not proven gone" in told(book)) is not proved
    assert book.step("build").unproven is not proved


@pytest.mark.parametrize(
    "facts", [{}, {"exit_code": 255}, {"outcome": "refused", "ended_by": "halt"}, {"outcome": "not_found"}]
)
def test_r6_a_client_that_ended_by_itself_or_never_ran_leaves_nothing_open(facts: dict[str, object]) -> None:
    book = far_at_build()
    book.returned("build", **facts)
    assert UNKNOWN_THERE not in told(book) + book.step("build").reason
    assert not book.step("build").unproven


# ---------------------------------------------------------------- the strict default


def test_an_intent_that_says_nothing_of_itself_is_the_stations_alone_and_refused(book: Book) -> None:
    class Wave(Wish, frozen=True, kw_only=True):
        """Nothing in it says who may ask, or what happens."""

    assert not Wave().of_people
    assert "nobody has said" in book.refused(Wave()).why  # type: ignore[arg-type]  # no part of the union


def test_every_intent_says_itself_what_happens() -> None:
    for intent in get_args(wanted.Intent):
        assert {"decide", "decide_on"} & intent.__dict__.keys(), intent.__name__


def test_an_event_that_does_not_say_how_it_is_told_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="has no sentence"):
        type("Waved", (happened.Payload,), {"kind": "hand.waved", "__annotations__": {}})


def test_a_status_update_is_asked_for_as_often_as_the_procedure_says_and_none_is_made_up_for() -> None:
    book = Book(NIGHT.replace("revision: 1", "revision: 1\nprogress_every: 30m", 1)).begin()
    book.wait(29 * 60)
    assert "status.due" not in [event.kind for event in book.events]
    book.wait(61)
    book.halt("n1", "slow")
    book.wait(95 * 60)
    told = [sentence(event, book.session.plan) for event in book.events if event.kind == "status.due"]
    assert told == [f"status update {number} is due: say how it stands" for number in (1, 4)]


def test_an_added_step_asks_for_nothing_that_is_not_supported_yet(book: Book) -> None:
    step = Step(id="extra", title="Extra", kind="command", command=("true",), interactive=True)
    assert "`interactive`" in book.refused(wanted.AddStep(step=step, reason="needed")).why


def test_the_role_that_may_end_a_wait_is_told_how() -> None:
    wait = "{id: count, title: Count, kind: wait, duration: 1m, until: window.start+50m, release: dba}"
    text = f"""{NIGHT[: NIGHT.index("stages:")]}stages: [{{id: s, title: S, steps: [{wait}]}}]\n"""
    book = Book(text).begin()
    book.ask(wanted.StartStep(step="count"))
    line = next_line(book.session, book.now, DBA)
    assert (line.key, "you: D ends it" in line.text) == ("D", True)
    book.ask(wanted.FinishStep(step="count"), by=DBA)
    assert book.step("count").state == "done"


# ---------------------------------------------------------------- R6: gone runs before the undo of what is not sure

WATCHED = NIGHT.replace(
    "command: [echo, build]\n", "command: [echo, build]\n        gone: {command: [idle], expect: {exit_code: 0}}\n"
)


def rolled_back_with_a_part() -> Book:
    """The build has failed, has changed a part, and its rollback is committed."""
    book = Book(WATCHED).begin()
    at_build(book)
    book.returned("build", exit_code=1)
    book.ask(wanted.DeclareEffect(step="build", effect="partial"))
    book.halt(reason="look")
    book.roll_back()
    book.ask(wanted.DecideUndo(step="build", choice="run"))
    return book


def start_of_undo(waiver: str = "") -> wanted.StartStep:
    waivers = {"gone": waiver} if waiver else {}
    return wanted.StartStep(step="drop-new", launch=wanted.Launch(run="u", hosts=("db01",)), waivers=waivers)


def gone(book: Book, ok: bool | None) -> None:
    book.ask(wanted.ProveGone(step="build", proof=Proof("idle", ok, "2 of it run")))


def test_r6_an_undo_of_what_is_not_sure_waits_until_gone_is_read() -> None:
    book = rolled_back_with_a_part()
    refused = book.refused(start_of_undo())
    assert (refused.why, refused.waivable) == (
        "whether the command of “Build the index” is gone is being read",
        "gone",
    )
    book.ask(wanted.RunMine())
    assert book.step("drop-new").state == "pending", "nor by itself"
    gone(book, ok=True)
    book.wait(1)
    assert book.step("drop-new").state == "running"


@pytest.mark.parametrize("ok", [False, None])
def test_r6_what_is_not_proven_gone_is_undone_with_a_reason_only(ok: bool | None) -> None:
    book = rolled_back_with_a_part()
    gone(book, ok)
    assert "is not proven gone: idle: 2 of it run" in book.refused(start_of_undo()).why
    said = next_line(book.session, book.now, LEAD)
    assert (said.key, said.level) == ("S", "alarm")
    assert said.text.endswith("S runs Drop it all the same, with a reason")
    book.ask(start_of_undo("killed them by hand"))
    assert any(
        d.weight == "exception" and d.why == "killed them by hand" and "not proven gone" in d.what
        for d in book.session.deviations
    )


def test_r6_one_step_undone_alone_waits_for_gone_too() -> None:
    book = Book(WATCHED).begin()
    at_build(book)
    book.returned("build", exit_code=1)
    book.ask(wanted.DeclareEffect(step="build", effect="partial"))
    book.ask(wanted.Pause())
    book.ask(wanted.UndoStep(step="build", reason="look"))
    assert book.refused(start_of_undo()).waivable == "gone"
    gone(book, ok=True)
    book.ask(start_of_undo())


def test_r6_an_undo_of_the_whole_change_waits_for_nothing() -> None:
    book = Book(WATCHED).begin()
    at_build(book)
    book.returned("build")
    book.halt(reason="look")
    book.roll_back()
    book.ask(start_of_undo())


# ---------------------------------------------------------------- the effect of several attempts


def swap_fails(book: Book, said: str = "") -> None:
    """One attempt of what may be repeated; where `said` is given, somebody says what it changed."""
    attempt = book.step("swap").attempt + 1
    if book.step("swap").state != "running":
        book.ask(wanted.StartStep(step="swap", launch=wanted.Launch(run=f"run-{attempt}", hosts=("db01",))))
    book.wait(2)
    book.returned("swap", exit_code=1)
    if said:
        book.ask(wanted.DeclareEffect(step="swap", effect=said, note="looked", sure=True))  # type: ignore[arg-type]  # one of its words


@pytest.fixture
def at_swap() -> Book:
    """The step that may be repeated is next; no attempt of it begins by itself."""
    book = Book(automatic=False).begin()
    counted(book)
    for step in ("freeze", "build"):
        book.run(step)
    return book


def test_r6_what_an_earlier_attempt_changed_stays_whatever_is_said_of_a_later_one(at_swap: Book) -> None:
    swap_fails(at_swap, "partial")
    swap_fails(at_swap)
    assert at_swap.step("swap").asked_about == "attempt 2"
    at_swap.ask(wanted.DeclareEffect(step="swap", effect="none", note="looked"))
    run = at_swap.step("swap")
    assert (run.effect, run.declared) == ("partial", True)
    assert undone_first(at_swap)[0] == "swap"
    assert sentence(at_swap.events[-1], at_swap.session.plan) == (
        "4 Swap changed nothing in attempt 2 (the lead, for its owner);"
        " what an earlier attempt changed is still there: looked"
    )


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("none", "partial", "partial"), ("partial", "full", "full"), ("full", "partial", "full"),
        ("partial", "unknown", "unknown"), ("unknown", "none", "unknown"), ("none", "none", "none"),
    ],
)  # fmt: skip
def test_r6_the_effect_is_the_gravest_of_its_attempts(at_swap: Book, first: str, second: str, whole: str) -> None:
    swap_fails(at_swap, first)
    swap_fails(at_swap, second)
    assert at_swap.step("swap").effect == whole
    at_swap.ask(wanted.DeclareEffect(step="swap", effect="none", note="looked again", sure=True))
    assert at_swap.step("swap").effect == first, "what is said anew of the last attempt takes the place of that alone"


def test_r6_who_has_looked_at_the_whole_step_says_so_and_is_asked_once_more(at_swap: Book) -> None:
    swap_fails(at_swap, "partial")
    swap_fails(at_swap)
    nothing = wanted.DeclareEffect(step="swap", effect="none", note="no row is there", whole=True)
    refused = at_swap.refused(nothing)
    assert (refused.waivable, refused.why) == (
        "sure",
        "“Swap” ran for 2 s: is it sure that it changed nothing in all its attempts?",
    )
    at_swap.ask(msgspec.structs.replace(nothing, sure=True))
    assert at_swap.step("swap").effect == "none"
    assert "swap" not in undone_first(at_swap)
    assert "changed nothing in all its attempts" in sentence(at_swap.events[-1], at_swap.session.plan)


CHECKED = """        changed: {title: rows, command: [look], expect: {equals: "1"}}
        idempotent: true
"""


@pytest.mark.parametrize("by", ["check", "correction"])
def test_r6_a_changed_check_and_a_correction_look_at_the_whole_step(by: str) -> None:
    book = Book(NIGHT.replace("        idempotent: true\n", CHECKED), automatic=False).begin()
    counted(book)
    for step in ("freeze", "build"):
        book.run(step)
    swap_fails(book, "partial")
    swap_fails(book)
    if by == "check":
        book.ask(wanted.ChangeRead(step="swap", attempt=2, proof=Proof("rows", False, "0")))
    else:
        book.ask(wanted.CorrectStep(step="swap", effect="none", reason="counted"))
    assert book.step("swap").effect == "none"


def test_r6_attempts_of_which_nobody_said_anything_are_asked_about_together(at_swap: Book) -> None:
    swap_fails(at_swap)
    at_swap.automatic = True
    at_swap.wait(5)
    assert (at_swap.step("swap").state, at_swap.step("swap").attempt) == ("running", 2), "tried again by itself"
    at_swap.returned("swap", outcome="not_found")
    run = at_swap.step("swap")
    assert run.asked_about == "attempts 1 to 2"
    assert "did 4 Swap (attempts 1 to 2) change anything?" in next_line(at_swap.session, at_swap.now, LEAD).text
    assert at_swap.refused(wanted.DeclareEffect(step="swap", effect="none")).waivable == "sure", "the first one ran"


@pytest.mark.parametrize(("said", "left"), [("partial", ("partial", True)), ("", ("unknown", False))])
def test_r6_a_start_that_a_halt_refused_says_nothing_of_earlier_attempts(
    at_swap: Book, said: str, left: tuple[str, bool]
) -> None:
    swap_fails(at_swap, said)
    at_swap.ask(wanted.StartStep(step="swap", launch=wanted.Launch(run="run-2", hosts=("db01",))))
    at_swap.halt("n1", "look")
    at_swap.returned("swap", outcome="refused")
    run = at_swap.step("swap")
    assert (run.effect, run.declared) == left
    assert undone_first(at_swap)[0] == "swap"


def test_r5_a_manual_step_that_was_not_begun_again_keeps_what_was_done_of_it_before() -> None:
    once_more = NIGHT.replace(
        "title: Freeze the catalogue\n", "title: Freeze the catalogue\n        idempotent: true\n"
    )
    book = Book(once_more).begin()
    counted(book)
    book.ask(wanted.StartStep(step="freeze"))
    book.ask(wanted.FailStep(step="freeze", reason="half of it"))
    book.ask(wanted.DeclareEffect(step="freeze", effect="partial"))
    book.ask(wanted.StartStep(step="freeze"))
    book.halt("n1", "look")
    book.ask(wanted.DeclareEffect(step="freeze", effect="none"))
    assert (book.step("freeze").state, book.step("freeze").effect) == ("pending", "partial")
    assert undone_first(book) == ["freeze"]


def test_r6_what_was_undone_alone_is_no_effect_of_an_earlier_attempt(at_swap: Book) -> None:
    swap_fails(at_swap, "partial")
    at_swap.ask(wanted.Pause())
    at_swap.ask(wanted.UndoStep(step="swap"))
    at_swap.automatic = True
    at_swap.run("swap-back")
    at_swap.automatic = False
    at_swap.go_on()
    swap_fails(at_swap, "none")
    assert at_swap.step("swap").effect == "none"


def test_r6_what_failed_and_is_then_done_by_hand_has_an_effect_while_it_is_verified(at_swap: Book) -> None:
    swap_fails(at_swap, "none")
    at_swap.ask(wanted.FinishStep(step="swap", by_hand=True))
    run = at_swap.step("swap")
    assert (run.state, run.effect, run.declared) == ("verifying", "unknown", False)
    assert undone_first(at_swap)[0] == "swap"


def test_r8_an_attempt_that_changed_nothing_does_not_take_back_the_point_of_no_return() -> None:
    again = NIGHT.replace(
        "        point_of_no_return: true\n", "        point_of_no_return: true\n        idempotent: true\n"
    )
    book = to_no_return(Book(again, automatic=False).begin())
    for said in ("partial", "none"):
        book.ask(wanted.StartStep(step="drop-old", launch=wanted.Launch(run=f"run-{said}")))
        book.returned("drop-old", exit_code=1)
        book.ask(wanted.DeclareEffect(step="drop-old", effect=said, sure=True))
    assert book.session.past_no_return


# ---------------------------------------------------------------- the undo of one step


def undo_alone(book: Book, step: str, *undo: str) -> Book:
    book.halt("n1", "wrong index")
    book.ask(wanted.UndoStep(step=step, halts=("n1",), reason="only that"))
    for each in undo:
        book.run(each)
    return book


def test_r14_what_was_undone_alone_is_told_so_and_a_halt_is_answered_with_it(book: Book) -> None:
    counted(book)
    for step in ("freeze", "build"):
        book.run(step)
    undo_alone(book, "build", "drop-new")
    book.halt("n2", "once more")
    assert "G goes on with the undo of 3 Build the index" in next_line(book.session, book.now, LEAD).text
    book.go_on(reason="was nothing")
    book.run("tell")
    assert preview(book.session).left_out["build"] == "undone already"
    answered = [sentence(event, book.session.plan) for event in book.events if event.kind == "session.went_on"]
    assert answered == [
        "halt answered: undo 3 Build the index alone, then paused: only that",
        "halt answered: undo 3 Build the index alone, then paused: was nothing",
    ]
    assert "halt answered: was nothing" in next_line(book.session, book.now, LEAD).text
    book.go_on()
    book.run("build")
    assert [item.step for item in preview(book.session).items][:2] == ["drop-new", "tell"]


def test_r14_an_undo_alone_that_was_left_out_leaves_the_effect_there(book: Book) -> None:
    counted(book)
    for step in ("freeze", "build"):
        book.run(step)
    undo_alone(book, "build", "drop-new")
    book.ask(wanted.SkipStep(step="tell", reason="nobody is in the shop"))
    run = book.step("build")
    assert (run.state, run.effect, run.declared) == ("done", "partial", True)
    assert undone_first(book) == ["build", "freeze"]
    assert "not whole" in sentence(book.events[-1], book.session.plan)
    book.ask(wanted.UndoStep(step="build", reason="once more"))
    book.run("drop-new")
    book.run("tell")
    assert undone_first(book) == ["freeze"]


def test_r14_a_new_attempt_does_not_start_beside_a_command_that_is_not_proven_gone() -> None:
    client = NIGHT.replace("command: [echo, swap]", "command: [psql, -c, swap]")
    book = Book(client, automatic=False).begin()
    counted(book)
    for step in ("freeze", "build"):
        book.run(step)
    start = wanted.StartStep(step="swap", launch=wanted.Launch(run="run-swap", hosts=("db01",)))
    book.ask(start)
    book.ask(wanted.StopCommand(step="swap"))
    book.returned("swap", outcome="terminated", exit_code=-1, ended_by="stop")
    assert "say first that its command is gone" in book.refused(start).why
    book.ask(wanted.DeclareGone(step="swap", note="looked at the server"))
    book.ask(start)
