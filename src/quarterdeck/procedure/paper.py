"""A procedure on paper: who does what, how long it takes, what is checked, and how it is taken back.

For the night when the network is down: everything a person needs stands there whole, the rollback already in
its order (R7). Pure. The blocks become plain text or Markdown; all text is a stranger's, so control characters are
escaped, and in Markdown whatever could be markup, so that a title cannot become a link or an image.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from quarterdeck.procedure.expectations import describe
from quarterdeck.procedure.graph import forward_steps, totals
from quarterdeck.procedure.interpreters import script_manner
from quarterdeck.procedure.model import Criterion, Guard, Procedure, Step, VerifyItem
from quarterdeck.spans import written
from quarterdeck.text import in_full

__all__ = ["Block", "blocks", "markdown", "on_paper", "plain"]


def on_paper(procedure: Procedure, *, as_markdown: bool = False) -> str:
    """Return the whole procedure as text or Markdown."""
    return (markdown if as_markdown else plain)(blocks(procedure))


def blocks(procedure: Procedure) -> Iterator[Block]:
    """Yield the procedure, part by part."""
    yield Block("heading", procedure.title, 1)
    yield from _front(procedure)
    yield from _totals(procedure)
    yield from _before(procedure)
    number = 0
    yield Block("heading", "Plan", 2)
    for stage in procedure.stages:
        yield Block("heading", stage.title, 3)
        for step in stage.steps:
            number += 1
            yield from _step(step, str(number))
    yield from _rollback(procedure)
    for title, letter, steps in (
        ("Contingency (after the point of no return)", "C", procedure.contingency),
        ("Closing (after success and rollback alike)", "E", procedure.closing),
    ):
        if steps:
            yield Block("heading", title, 2)
            yield from _steps(steps, letter)
    yield from _judged(procedure)


def _front(procedure: Procedure) -> Iterator[Block]:
    facts = (
        ("Procedure", f"{procedure.id}, revision {procedure.revision}"),
        ("Category", procedure.category),
        ("Cadence", procedure.cadence),
        ("Change", procedure.change),
        ("Class", f"{procedure.class_} {procedure.severity or ''}".strip()),
        ("Services", ", ".join(procedure.services)),
        ("Environments", ", ".join(procedure.environments)),
        ("Impact", procedure.impact),
        ("Window", " to ".join(time for time in (procedure.window.start, procedure.window.end) if time)),
    )
    for name, text in facts:
        if text:
            yield Block("fact", text, label=name)
    if procedure.description:
        yield Block("text", procedure.description)
    if procedure.values:
        values = [f"{name} = {value}" for name, value in procedure.values.items()]
        yield Block("fact", ", ".join(values), label="Parameters")


def _totals(procedure: Procedure) -> Iterator[Block]:
    sums = totals(procedure)
    yield Block("heading", "Times, as planned", 2)
    for name, seconds in (
        ("Preconditions", sums.preconditions),
        ("Change", sums.change),
        ("Full rollback", sums.rollback),
        ("Contingency", sums.contingency),
        ("Closing", sums.closing),
        ("Reserve", procedure.window.reserve or 0.0),
    ):
        if seconds:
            plural = "" if sums.undo_steps == 1 else "s"
            note = f" ({sums.undo_steps} undo step{plural}, with time to decide)" if name == "Full rollback" else ""
            yield Block("fact", written(seconds) + note, label=name)


def _before(procedure: Procedure) -> Iterator[Block]:
    if procedure.roles:
        yield Block("heading", "People", 2)
        for name, role in procedure.roles.items():
            backup = f", backup {role.backup}" if role.backup else ""
            needed = "" if role.required else " (optional)"
            yield Block("item", f"{name}: {role.title}{backup}{needed}   ______________________")
    if procedure.risks:
        yield Block("heading", "Risks", 2)
        for risk in procedure.risks:
            weight = ", ".join(
                part
                for part in (
                    f"likelihood {risk.likelihood}" if risk.likelihood else "",
                    f"impact {risk.impact}" if risk.impact else "",
                )
                if part
            )
            yield Block("item", f"{risk.risk} ({weight})" if weight else risk.risk)
            for name, text in (("Mitigation", risk.mitigation), ("Contingency", risk.contingency)):
                if text:
                    yield Block("detail", text, label=name)
    for link in procedure.documents:
        yield Block("item", f"Read before: {link.title} ({link.url})")
    if procedure.checklist:
        yield Block("heading", "Before it begins", 2)
        for item in procedure.checklist:
            check = f"; reads {_verify(item.check)}" if item.check else ""
            yield Block("item", f"[ ] {item.title} ({item.owner}{check})")
    if procedure.preconditions:
        yield Block("heading", "Gates of the start", 2)
        yield from _steps(procedure.preconditions, "P")


def _steps(steps: tuple[Step, ...], letter: str) -> Iterator[Block]:
    for number, step in enumerate(steps, 1):
        yield from _step(step, f"{letter}{number}")


def _step(step: Step, number: str) -> Iterator[Block]:
    """Yield one step with everything that its owner needs."""
    duration = f", {written(step.duration)}" if step.duration else ""
    alone = ", starts by itself" if step.auto_start else ""
    yield Block("step", f"[ ] {number}  {step.title}  ({step.owner}{duration}{alone}) [{step.id}]")
    if step.point_of_no_return:
        yield Block("detail", "from here on there is no way back", label="POINT OF NO RETURN")
    if step.targets:
        yield Block("detail", ", ".join(step.targets), label="Touches")
    if step.tags:
        yield Block("detail", ", ".join(step.tags), label="Tags")
    if step.question:
        yield Block("detail", f"{step.question} ({', '.join(step.roles)})", label="Ask")
    if step.until:
        yield Block("detail", step.until, label="Wait until")
    yield from _runs(step)
    if step.instructions:
        yield Block("quote", step.instructions)
    yield from _proofs(step)
    if step.expect_outage:
        outage = f"{step.expect_outage.target} for at most {written(step.expect_outage.max)}"
        yield Block("detail", outage, label="Expected outage")
    if step.sign_off:
        sign = step.sign_off
        who = sign.role or f"{sign.min} of {', '.join(sign.of)}"
        yield Block("detail", who + (", another person" if sign.different_person else ""), label="Signed by")
    if step.undo:
        undone = ", ".join(undo.title for undo in step.undo)
        yield Block("detail", f"{undone} ({written(sum(undo.duration for undo in step.undo))})", label="Undo")
    elif step.undo_none:
        yield Block("detail", f"nothing to undo: {step.undo_none}", label="Undo")


def _runs(step: Step) -> Iterator[Block]:
    """Yield what a step executes, and where."""
    host = ", ".join(step.host)
    if host or step.become:
        where = " ".join(part for part in (f"on {host}" if host else "", f"as {step.become}" if step.become else ""))
        yield Block("detail", where.strip(), label="Run")
    if step.command:
        yield Block("code", shlex.join(step.command))
    if step.shell:
        yield Block("detail", script_manner(step), label="Script")
        yield Block("code", step.shell)


def _proofs(step: Step) -> Iterator[Block]:
    for item in step.verify:
        within = f" (within {written(item.within)})" if item.within else ""
        yield Block("detail", _verify(item) + within, label="Check")
    for record in step.record:
        wanted = f", must be {describe(record.expect)}" if record.expect else ""
        unit = f" [{record.unit}]" if record.unit else ""
        yield Block("detail", f"{record.title or record.name}{unit}{wanted}: ____________", label="Write down")
    if step.evidence:
        yield Block("detail", step.evidence, label="Keep as evidence")


def _verify(item: VerifyItem) -> str:
    if item.check:
        return f"{item.check} is ok"
    if item.command:
        return f"{shlex.join(item.command)} gives {describe(item.expect)}"
    return f"{item.gauge or item.value} {describe(item.expect)}"


def _rollback(procedure: Procedure) -> Iterator[Block]:
    """Yield the undo steps in the order of a full rollback: newest step first, each undo as written (R7)."""
    changes = [step for step in reversed(forward_steps(procedure)) if step.mutates]
    if not changes and not procedure.rollback.verify:
        return
    yield Block("heading", "Rollback, in this order", 2)
    yield Block("text", "Only steps that were started are undone; the console shows the list as it then is.")
    number = 0
    stays = []
    for step in changes:
        if step.undo_none:
            stays.append(step)
        for undo in step.undo:
            number += 1
            yield from _step(undo, f"R{number}")
            yield Block("detail", f"{step.title} [{step.id}]", label="Takes back")
    for step in procedure.rollback.verify:
        number += 1
        yield from _step(step, f"R{number}")
    if stays:
        yield Block("heading", "What stays", 3)
        for step in stays:
            yield Block("item", f"{step.title} [{step.id}]: {step.undo_none}")


def _judged(procedure: Procedure) -> Iterator[Block]:
    if procedure.guards:
        yield Block("heading", "What halts it", 2)
        for guard in procedure.guards:
            yield Block("item", _guard(guard))
    if procedure.criteria:
        yield Block("heading", "Success", 2)
        for criterion in procedure.criteria:
            yield Block("item", f"[ ] {criterion.title} ({_criterion(criterion)})")
    for link in procedure.links:
        yield Block("item", f"{link.title}: {link.url}")


def _guard(guard: Guard) -> str:
    held = f" for {written(guard.for_)}" if guard.for_ else ""
    action = {"warn": "warns", "pause": "pauses", "propose_halt": "proposes a halt", "halt": "halts"}[guard.action]
    return f"{guard.title}: {guard.when}{held} {action}"


def _criterion(criterion: Criterion) -> str:
    if criterion.downtime:
        most = written(criterion.downtime.max)
        return f"{criterion.indicator}: {', '.join(criterion.downtime.targets)} down for at most {most}"
    if criterion.baseline:
        baseline = criterion.baseline
        return f"{criterion.indicator}: {baseline.metric} {baseline.statistic}, at most +{baseline.allowed_increase}"
    proof = ", ".join(criterion.steps) or criterion.condition or f"asked: {criterion.asked}"
    return f"{criterion.indicator}: {proof}"


WIDTH = 96
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


class Block(Struct, frozen=True):
    """A piece of the document."""

    kind: Literal["heading", "fact", "text", "item", "step", "detail", "code", "quote"]
    text: str
    level: int = 0
    label: str = ""


def plain(blocks: Iterable[Block]) -> str:
    """Return the blocks as text of 96 columns."""
    lines: list[str] = []
    for block in blocks:
        lines += _plain_block(block)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _plain_block(block: Block) -> list[str]:
    text = " ".join(in_full(" ".join(block.text.split())).split())
    label = f"{block.label}: " if block.label else ""
    if block.kind == "heading":
        line = {1: "=", 2: "-"}.get(block.level, "")
        return ["", text.upper() if block.level == 1 else text, *([line * min(len(text), WIDTH)] if line else [])]
    if block.kind == "code":
        return [f"        $ {line}" for line in _lines(block.text)]
    if block.kind == "quote":
        return [wrapped for line in _lines(block.text) for wrapped in _wrapped(line, "      | ", "      | ")]
    if block.kind == "step":
        return ["", *_wrapped(_step_title(block.text), "", "       ")]
    if block.kind == "detail":
        return _wrapped(label + text, "      ", "        ")
    if block.kind == "item":
        return _wrapped(in_full(block.text), "- ", "  ")
    return _wrapped(label + text, "", "  " if label else "")


def _step_title(text: str) -> str:
    return in_full(text.replace("\n", " "))


def _lines(text: str) -> list[str]:
    return [in_full(line) for line in text.rstrip("\n").split("\n")]


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    wrapped = textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return wrapped or [first]


def markdown(blocks: Iterable[Block]) -> str:
    """Return the blocks as Markdown."""
    lines: list[str] = []
    before = ""
    for block in blocks:
        if block.kind == "fact" and before not in {"fact", ""}:
            lines.append("")
        lines += _markdown_block(block)
        before = block.kind
    text = "\n".join(lines).strip("\n")
    return re.sub(r"\n{3,}", "\n\n", text) + "\n"


def _markdown_block(block: Block) -> list[str]:
    text = _escaped(" ".join(block.text.split()))
    label = f"**{block.label}:** " if block.label else ""
    if block.kind == "heading":
        return ["", f"{'#' * block.level} {text}", ""]
    if block.kind == "code":
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", block.text)), default=0))
        return ["", *(f"      {line}" for line in (fence, *_lines(block.text), fence)), ""]
    if block.kind == "quote":
        return ["", *(f"      > {line.replace('<', '&lt;')}" for line in _lines(block.text)), ""]
    if block.kind == "step":
        ticked = block.text.removeprefix("[ ] ")
        return ["", f"- [ ] **{_escaped(' '.join(ticked.split()))}**"]
    if block.kind == "detail":
        return [f"    - {label}{text}"]
    if block.kind == "item":
        ticked = block.text.removeprefix("[ ] ")
        box = "[ ] " if ticked != block.text else ""
        return [f"- {box}{_escaped(' '.join(ticked.split()))}"]
    if block.kind == "fact":
        return [f"- {label}{text}"]
    return ["", text, ""]


def _escaped(text: str) -> str:
    """Escape what Markdown or HTML would take for markup."""
    return _MARKUP.sub(r"\\\1", in_full(text)).replace("\\<", "&lt;").replace("\\&", "&amp;")
