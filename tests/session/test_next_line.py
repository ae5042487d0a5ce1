"""Whoever only follows the next line gets through the night, forward and back."""

from __future__ import annotations

import random

import pytest
from sessionbook import LEAD, START, Book

from quarterdeck.session import intents as wanted
from quarterdeck.session.decide import Refusal
from quarterdeck.session.event import Actor
from quarterdeck.session.intents import Intent
from quarterdeck.session.next_line import NextLine, next_line

QA = Actor("quinn", 1003, role="qa", host="db01")


def line(book: Book) -> NextLine:
    return next_line(book.session, book.now, LEAD)


def answer(book: Book, said: NextLine) -> tuple[Intent, Actor]:
    """What a person would do who reads the line."""
    session = book.session
    halts = session.live_halts()
    match said.question:
        case "manual":
            return wanted.DeclareEffect(step=said.step, effect="full"), LEAD
        case "gone":
            return wanted.DeclareGone(step=said.step, note="looked"), LEAD
        case "effect":
            return wanted.DeclareEffect(step=said.step, effect="partial"), LEAD
        case "reason":
            return wanted.GiveReason(reason="too slow"), LEAD
        case "left":
            return wanted.AnswerLeft(step=said.step, choice="leave"), LEAD
        case "undo":
            assert session.plan is not None
            return wanted.DecideUndo(step=session.plan.places[said.step].undoes, choice="run"), LEAD
        case "poll":
            return wanted.AnswerPoll(step=said.step, role=said.waiting_for, answer="go"), LEAD
        case "sign_off":
            return wanted.SignStep(step=said.step, role=said.waiting_for), QA
        case "verify":
            return wanted.AcceptStep(step=said.step, reason="known"), LEAD
        case "end":
            return wanted.EndSession(), LEAD
        case "criterion":
            return wanted.AnswerCriterion(criterion="users", satisfied=True), LEAD
    return keyed(said, halts), LEAD


def keyed(said: NextLine, halts: tuple[str, ...]) -> Intent:
    """What the line's key asks for."""
    match said.key:
        case "S" if not said.step:
            return wanted.StartSession(start=START, end=START + 7200)
        case "S":
            return wanted.StartStep(step=said.step, launch=wanted.Launch(run=f"run-{said.step}", hosts=("db01",)))
        case "D":
            return wanted.FinishStep(step=said.step, values={"seconds": "0.4"} if said.step == "look" else {})
        case "B":
            return wanted.RollBack(halts=halts, typed="ROLLBACK")
        case "G":
            return wanted.GoOn(halts=halts, reason="well again", accept="known")
    pytest.fail(f"no way on from: {said}")


def go(book: Book) -> str:
    """Follow the line once; what it said."""
    said = line(book)
    if (said.key or said.question) and said.waiting_for != "command":
        intent, by = answer(book, said)
        result = book.answer(intent, by)
        assert not isinstance(result, Refusal), f"{said.text!r} led to {result.why!r} ({result.hint})"
    elif said.step and book.step(said.step).state == "running":
        book.wait(30)
        book.returned(said.step, values={"rows": "7"} if said.step == "count" else {})
    elif said.step and book.step(said.step).state == "verifying":
        book.verify(said.step)
    else:
        book.wait(30)
    return said.text


def follow(book: Book, most: int = 120) -> list[str]:
    told: list[str] = []
    while not book.session.is_over:
        told.append(go(book))
        assert len(told) < most, told[-6:]
    return told


def test_following_it_leads_to_the_end() -> None:
    book = Book()
    told = follow(book)
    assert book.session.outcome.startswith("completed")
    assert told[0] == "all is ready · S starts the session"
    assert any(text.startswith("go or no-go? Drop the old one?") for text in told)


@pytest.mark.parametrize("after", range(2, 13))
def test_after_a_halt_at_any_moment_it_leads_back_or_on(after: int) -> None:
    book = Book()
    for _ in range(after):
        go(book)
    book.wait(20)
    book.halt()
    told = follow(book)
    assert any(text.startswith("why did you halt?") for text in told)
    assert any(text.startswith("what now?") for text in told)
    if book.session.past_no_return:
        assert not any("rolls back" in text for text in told)
    else:
        assert book.session.outcome.startswith("rolled_back")


def test_after_a_halt_it_asks_one_question_at_a_time() -> None:
    book = Book().begin()
    go(book)
    go(book)
    book.ask(wanted.StartStep(step="freeze"))
    book.wait(60)
    book.halt()
    asked = []
    while line(book).question != "what_now":
        asked.append(line(book).question)
        go(book)
    assert asked == ["manual", "reason"]
    said = line(book)
    assert said.text.startswith(
        "what now? B rolls back: 1 undo + 1 check, 3 min + 4 min for people"
        " · U undoes only 2 Freeze the catalogue, 2 min · G"
    )
    assert said.key == "B"


def test_before_start_a_halt_offers_no_rollback() -> None:
    book = Book()
    book.halt(reason="wrong night")
    assert line(book).text == "what now? G goes on · enter offers hand over and end"


def test_it_says_who_is_waited_for_and_since_when() -> None:
    book = Book().begin()
    go(book)
    go(book)
    book.ask(wanted.StartStep(step="freeze"))
    book.wait(130)
    said = line(book)
    assert said.text.startswith("waiting for dba: 2 Freeze the catalogue, 2 of 3 min · D says done")
    assert (said.waiting_for, said.key, said.step) == ("dba", "D", "freeze")
    assert said.since == book.now - 130
    mine = next_line(book.session, book.now, Actor("bob", role="dba"))
    assert mine.text.startswith("waiting for you: 2 Freeze")
    assert mine.level == "asks"


def test_an_open_proposal_comes_first() -> None:
    book = Book().begin()
    go(book)
    go(book)
    book.ask(wanted.StartStep(step="freeze"))
    book.ask(wanted.GuardHolds(guard="slow", reason="API too slow: 912 ms", value=0.912))
    said = line(book)
    assert said.text == "HALT PROPOSED · H halts · X dismisses · else it pauses in 2 min · API too slow: 912 ms"
    assert (said.question, said.level, said.step) == ("proposal", "alarm", "freeze")


def test_a_halt_from_elsewhere_says_who_and_from_where() -> None:
    book = Book().begin()
    book.ask(wanted.Halt(nonce="n1", source="cli"), Actor("omar", 1004, via="cli", role="lead", host="ops2"))
    assert line(book).text.startswith("HALTED by omar, command line on ops2: why?")


def test_it_never_fails_whatever_happened() -> None:
    """A drunkard's walk over intents: the line is there after each."""
    pick = random.Random(7)
    for _ in range(6):
        book = Book().begin()
        for number in range(60):
            steps = list(book.session.steps)
            step = pick.choice(steps)
            choices: list[Intent] = [
                wanted.StartStep(step=step, launch=wanted.Launch(run=f"run-{number}", hosts=("db01",))),
                wanted.FinishStep(step=step),
                wanted.FailStep(step=step, reason="no"),
                wanted.SkipStep(step=step, reason="no"),
                wanted.Pause(),
                wanted.GoOn(halts=book.session.live_halts(), reason="x", accept="x"),
                wanted.DeclareEffect(step=step, effect=pick.choice(["none", "partial", "full"])),
                wanted.AnswerPoll(step="ask", role=pick.choice(["lead", "dba"]), answer="go"),
            ]
            if number % 17 == 0:
                choices = [wanted.Halt(nonce=f"n{number}", reason="x")]
            book.answer(pick.choice(choices))
            book.wait(pick.choice([1, 20, 300]))
            said = line(book)
            assert said.text
            assert "\n" not in said.text
            assert not said.step or said.step in book.session.steps


def built() -> Book:
    """The night up to the swap."""
    book = Book().begin()
    while not book.step("build").ended:
        go(book)
    return book


def failed() -> Book:
    """The night's swap has failed for good, and its effect is declared."""
    book = built()
    book.ask(wanted.StartStep(step="swap", launch=wanted.Launch(run="run-1", hosts=("db01",))))
    book.returned("swap", exit_code=1)
    book.wait(6)
    book.returned("swap", exit_code=1)
    book.ask(wanted.DeclareEffect(step="swap", effect="partial"))
    return book


def test_paused_after_a_failed_step_it_names_what_works_in_a_pause() -> None:
    book = failed()
    assert book.state == "paused"
    said = line(book)
    assert said.text == (
        "4 Swap FAILED: exit code 1 · G goes on, U undoes it, D says that it was done by hand, H halts"
    )
    assert said.key == "G"
    book.go_on()
    assert line(book).key == "S"


def test_after_a_stations_crash_it_names_what_works_in_a_pause() -> None:
    book = Book().begin()
    book.ask(wanted.StartStep(step="count", launch=wanted.Launch(run="run-1", hosts=("db01",))))
    book.ask(wanted.CrashFound(gap=6.0, found={"count": "lost"}))
    assert book.state == "paused"
    assert line(book).key == "G"
    assert "S tries again" not in line(book).text
    book.go_on()
    assert line(book).key == "S"


def test_accepting_what_does_not_verify_has_its_key() -> None:
    book = built()
    book.ask(wanted.StartStep(step="swap", launch=wanted.Launch(run="run-1", hosts=("db01",))))
    book.returned("swap")
    book.verify("swap", ok=False)
    said = line(book)
    assert said.text.endswith("v reads it again, F fails it, enter accepts it, with a reason")
    assert (said.question, said.key) == ("verify", "v")


def test_what_somebody_took_is_waited_for() -> None:
    book = Book().begin()
    book.ask(wanted.ClaimStep(step="count"), Actor("bob", 1001, role="dba", host="db01"))
    assert line(book).text == "waiting for bob, who took it: 1 Count (60 s)"
    assert line(book).key == ""
