"""The rows of the selected step: a small reading of Markdown, facts with their labels, proofs, values. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec.structs import replace

from quarterdeck.console.panes.base import EMPTY, Piece, Row
from quarterdeck.console.panes.procedure import STATE_ROLES
from quarterdeck.console.panes.procedure_lines import STATE_WORDS
from quarterdeck.console.panes.rows import wrap
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.theme import Look
from quarterdeck.procedure.expectations import describe
from quarterdeck.procedure.interpreters import named, script_manner
from quarterdeck.procedure.model import Step, VerifyItem
from quarterdeck.session.leftovers import left_words
from quarterdeck.session.parts import Proof
from quarterdeck.session.state import LIVE, Run, StepRun
from quarterdeck.spans import hour, of_planned, span
from quarterdeck.text import PLAIN, block, visible

__all__ = ["details", "markdown", "proof_rows"]

LABEL = 9
_RECORDED = re.compile(r"\$\{([a-z0-9_-]+)\.(\w+)\}")
_INLINE = re.compile(r"\*\*(.+?)\*\*|`([^`]+)`|(?<![\w*])[*_]([^*_\s][^*_]*)[*_](?!\w)")


def details(snapshot: Snapshot, identity: str, width: int, look: Look) -> list[Row]:
    """All rows of this step, `width` cells wide."""
    plan = snapshot.session.plan
    if plan is None or identity not in plan.steps:
        return [((" no step is selected", "muted"),)]
    step = _filled(snapshot, plan.steps[identity])
    run = snapshot.session.steps.get(identity)
    rows = [_standing(snapshot, step, run, look)]
    view = snapshot.views[identity]
    why = view.why or (run.reason if run else "")
    if why:
        rows += _labelled("why", why, width, "warn" if view.state in {"failed", "interrupted", "unknown"} else "text")
    if step.question:
        rows += _labelled("asks", step.question, width, "strong")
    if step.instructions:
        rows += [EMPTY, *markdown(step.instructions, width)]
        rows.append(EMPTY)
    undoes = plan.places[identity].undoes
    if undoes in plan.steps:
        effect = snapshot.session.steps[undoes].effect if undoes in snapshot.session.steps else "none"
        rows += _labelled("undoes", f"{plan.name_of(undoes)} (effect {effect})", width)
    rows += _command(step, width)
    rows += _facts(step, run, width)
    rows += _answers(snapshot, step, width)
    rows += _proofs(step, run, width, look)
    rows += _values(step, run, width)
    rows += _undo(snapshot, step, width)
    return rows


def _filled(snapshot: Snapshot, step: Step) -> Step:
    """The step with recorded values in the place of `${step.value}`; one that is not known says where it is from."""
    session = snapshot.session

    def known(match: re.Match[str]) -> str:
        run = session.steps.get(match[1])
        if run is None:
            return match[0]
        value = run.values.get(match[2])
        return value if value is not None else f"‹{match[2]} of {session.name_of(match[1])}›"

    changes: dict[str, object] = {
        name: _RECORDED.sub(known, text)
        for name in ("title", "question", "instructions", "shell")
        if "${" in (text := str(getattr(step, name)))
    }
    if any("${" in word for word in step.command):
        changes["command"] = tuple(_RECORDED.sub(known, word) for word in step.command)
    return replace(step, **changes) if changes else step


def _labelled(label: str, text: str, width: int, role: str = "text") -> list[Row]:
    """A label, and its text beside it, wrapped."""
    rows: list[Row] = []
    for line in block(text, 4_000).split("\n"):
        for part in wrap(line, width - LABEL - 1):
            rows.append(((f" {label if not rows else '':<{LABEL}}", "muted"), (part, role)))
    return rows


def _standing(snapshot: Snapshot, step: Step, run: StepRun | None, look: Look) -> Row:
    state = str(snapshot.views[step.id].state)
    word = STATE_WORDS[state] or state
    pieces: list[Piece] = [(f" {look.glyphs.steps[state]} {word}", STATE_ROLES[state])]
    dot = f" {look.glyphs.dot} "
    pieces += [(dot, "faint"), (f"{step.kind}, {visible(step.owner, 30)}", "text")]
    if run is not None and run.attempt > 1:
        pieces += [(dot, "faint"), (f"attempt {run.attempt}", "warn")]
    if run is not None and run.started is not None:
        until = run.ended if run.ended is not None else snapshot.now
        spent = of_planned(until - run.started, step.duration)
        pieces += [(dot, "faint"), (spent, "text")]
        if run.effect in {"partial", "unknown"} and run.state not in LIVE:
            pieces += [(dot, "faint"), (f"effect {run.effect}", "unknown")]
    elif step.duration:
        pieces += [(dot, "faint"), (span(step.duration), "text")]
        planned = snapshot.forecast.get(step.id)
        if planned is not None and snapshot.session.window is not None:
            pieces += [(dot, "faint"), (f"about {hour(planned.start, snapshot.off)}", "muted")]
    return tuple(pieces)


def _command(step: Step, width: int) -> list[Row]:
    if step.shell:
        rows = _labelled("runs", f"{named(step.interpreter)}: {step.shell.strip()}", width, "code")
        return [*rows, *_labelled("script", script_manner(step), width, "muted")]
    if not step.command:
        return []
    words = [word if re.fullmatch(r"[\w@%+=:,./${}-]+", word) else f"'{word}'" for word in step.command]
    return _labelled("runs", " ".join(words), width, "code")


def _facts(step: Step, run: StepRun | None, width: int) -> list[Row]:
    rows: list[Row] = []
    where = ", ".join(step.host) or (run.runs[-1].host if run and run.runs else "")
    if where or step.become:
        rows += _labelled("on", f"{where or 'this machine'}{' as root' if step.become else ''}", width)
    if step.targets:
        rows += _labelled("touches", ", ".join(step.targets), width)
    if step.expect_outage:
        rows += _labelled("breaks", f"{step.expect_outage.target}, for {span(step.expect_outage.max)} at most", width)
    if step.auto_start and (run is None or run.started is None):
        rows += _labelled("starts", "by itself, as soon as nothing keeps it", width, "accent")
    if step.point_of_no_return:
        rows += _labelled("then", "no way back: this is the point of no return", width, "warn")
    if run is not None and run.claimed_by:
        rows += _labelled("by", run.claimed_by + (f", by telephone {run.by_phone}" if run.by_phone else ""), width)
    if run is not None and run.survivors:
        rows += _labelled("alive", ", ".join(run.survivors), width, "critical")
    for attempt in run.runs if run is not None else ():
        rows += _left(attempt, width)
    if step.sign_off and run is not None:
        signed = ", ".join(f"{role} ({login})" for role, login in run.signed_by.items())
        asked = step.sign_off.role or f"{step.sign_off.min} of {', '.join(step.sign_off.of)}"
        rows += _labelled("signed", signed or f"not yet, by {asked}", width, "ok" if signed else "text")
    if run is not None and run.runs and run.runs[-1].exit_code is not None:
        code = run.runs[-1].exit_code
        rows += _labelled("ended", f"with code {code}", width, "text" if code == 0 else "warn")
    return rows


def _left(run: Run, width: int) -> list[Row]:
    """What the command left running, and what was said of it."""
    rows = _labelled("stays", f"{'; '.join(run.stays)} (as declared)", width, "muted") if run.stays else []
    if run.left:
        said = left_words(run)
        asked = bool(run.left_open) and not run.left_answer
        rows += _labelled(
            "left", f"{'; '.join(run.left_open or run.left)} ({said})", width, "warn" if asked else "text"
        )
    return rows


def _answers(snapshot: Snapshot, step: Step, width: int) -> list[Row]:
    if step.kind != "poll":
        return []
    poll = snapshot.session.polls.get(step.id)
    rows: list[Row] = []
    for role in step.roles:
        answer = poll.answers.get(role) if poll else None
        said = (
            {"go": "GO", "no_go": "NO-GO", "go_with_comment": "GO"}.get(answer.answer, "")
            if answer
            else "no answer yet"
        )
        comment = f": {answer.comment}" if answer and answer.comment else ""
        word = "critical" if said == "NO-GO" else "ok" if answer else "muted"
        rows += _labelled(visible(role, LABEL - 1), said + comment, width, word)
    if poll is not None and poll.result:
        rows += _labelled("result", poll.result.replace("_", "-").upper(), width, "strong")
    return rows


def _what(item: VerifyItem) -> str:
    if item.title:
        return item.title
    if item.check:
        return f"{item.check} is ok"
    return item.gauge or item.value or " ".join(item.command)


def proof_rows(proofs: Sequence[Proof], width: int, look: Look) -> list[Row]:
    """What verifications read."""
    rows: list[Row] = []
    for proof in proofs:
        sign = look.glyphs.tick if proof.ok else look.glyphs.steps["failed"] if proof.ok is False else "?"
        role = "ok" if proof.ok else "critical" if proof.ok is False else "unknown"
        read = f": read {proof.read}" if proof.read else "" if proof.ok else ": could not be read"
        rows += _labelled("" if rows else "verified", f"{sign} {proof.title}{read}", width, role)
    return rows


def _proofs(step: Step, run: StepRun | None, width: int, look: Look) -> list[Row]:
    rows: list[Row] = []
    if run is not None and run.proofs:
        return proof_rows(run.proofs, width, look)
    for item in step.verify:
        wanted = f" (expected: {describe(item.expect)})" if item.expect or item.command else ""
        rows += _labelled("" if rows else "verify", f"{_what(item)}{wanted}", width, "muted")
    return rows


def _values(step: Step, run: StepRun | None, width: int) -> list[Row]:
    rows: list[Row] = []
    for wanted in step.record:
        value = run.values.get(wanted.name) if run else None
        unit = f" {wanted.unit}" if wanted.unit else ""
        shown = (
            f"{wanted.title or wanted.name} = {value}{unit}"
            if value is not None
            else f"{wanted.title or wanted.name}: not written down yet{f', in {wanted.unit}' if wanted.unit else ''}"
        )
        rows += _labelled("" if rows else "record", shown, width, "strong" if value is not None else "muted")
    return rows


def _undo(snapshot: Snapshot, step: Step, width: int) -> list[Row]:
    plan = snapshot.session.plan
    if plan is None or plan.part(step.id) != "stages":
        return []
    if step.undo:
        said = "; ".join(f"{undo.title} ({span(undo.duration)})" for undo in step.undo)
        return _labelled("undo", said, width, "muted")
    if step.undo_none:
        return _labelled("undo", f"none: {step.undo_none}", width, "muted")
    return [] if step.mutates else _labelled("undo", "none needed: it changes nothing", width, "muted")


@lru_cache(128)
def _markdown(text: str, width: int) -> tuple[Row, ...]:
    rows: list[Row] = []
    fenced = False
    for line in block(text, PLAIN).split("\n"):
        stripped = line.strip()
        if stripped.startswith("```"):
            fenced = not fenced
            continue
        if fenced:
            rows += [((f"   {part}", "code"),) for part in wrap(line, width - 3)]
            continue
        if not stripped:
            if rows and rows[-1]:
                rows.append(EMPTY)
            continue
        rows += _paragraph(line, stripped, width)
    while rows and not rows[-1]:
        rows.pop()
    return tuple(rows)


def _paragraph(line: str, stripped: str, width: int) -> list[Row]:
    heading = re.match(r"#{1,6}\s+(.*)", stripped)
    if heading:
        return [((" " + part, "title+bold"),) for part in wrap(heading[1], width - 1)]
    item = re.match(r"(\s*)([-*+]|\d+[.)])\s+(.*)", line)
    indent = len(item[1]) if item else 0
    mark = f"{'•' if item[2] in '-*+' else item[2]} " if item else ""
    text = item[3] if item else stripped
    rows: list[Row] = []
    carried = ""
    for number, part in enumerate(wrap(text, width - 1 - indent - len(mark))):
        lead = " " * (1 + indent) + (mark if number == 0 else " " * len(mark))
        pieces, carried = _inline(carried + part, carried)
        rows.append(((lead, "accent" if item else ""), *pieces))
    return rows


def _inline(text: str, carried: str) -> tuple[list[Piece], str]:
    """Bold, code and emphasis; a mark that is opened and not closed on this row is carried to the next."""
    del carried
    pieces: list[Piece] = []
    at = 0
    for match in _INLINE.finditer(text):
        if match.start() > at:
            pieces.append((text[at : match.start()], "text"))
        bold, code, emphasis = match.groups()
        pieces.append((bold or code or emphasis, "strong" if bold else "code" if code else "italic"))
        at = match.end()
    rest = text[at:]
    opened = "**" if rest.count("**") % 2 else ""
    if opened:
        head, tail = rest.rsplit("**", 1)
        pieces += [(head, "text"), (tail, "strong")]
    elif rest:
        pieces.append((rest, "text"))
    return [piece for piece in pieces if piece[0]], opened


def markdown(text: str, width: int) -> tuple[Row, ...]:
    """Instructions as rows: headings, lists, bold, code, fences; the text itself is never cut."""
    return _markdown(text, width)
