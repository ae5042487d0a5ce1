"""Rules for roles: every name is declared, and somebody can always stand in."""

from __future__ import annotations

from collections.abc import Iterator

from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.procedure.model import Step
from quarterdeck.procedure.rules.base import Lint

__all__ = ["backups", "declared"]


def _named(lint: Lint) -> Iterator[tuple[str, str]]:
    """Yield every role that is named, with the path where."""
    for index, _ in enumerate(lint.procedure.stages):
        owner = lint.context.scalars.get(f"stages[{index}].owner")
        if owner is not None and not owner.open:
            yield f"stages[{index}].owner", owner.text
    for placed in lint.places:
        if lint.wrote(placed.step, "owner"):
            yield f"{lint.at(placed.step)}.owner", placed.step.owner
        yield from _named_in_step(placed.step, lint.at(placed.step))
    for index, item in enumerate(lint.procedure.checklist):
        yield f"checklist[{index}].owner", item.owner
    for index, criterion in enumerate(lint.procedure.criteria):
        if criterion.asked:
            yield f"criteria[{index}].asked", criterion.asked
    for name, role_ in lint.procedure.roles.items():
        if role_.backup:
            yield f"roles.{name}.backup", role_.backup


def _named_in_step(step: Step, at: str) -> Iterator[tuple[str, str]]:
    for index, role in enumerate(step.roles):
        yield f"{at}.roles[{index}]", role
    if step.release:
        yield f"{at}.release", step.release
    if step.sign_off is not None:
        if step.sign_off.role:
            yield f"{at}.sign_off.role", step.sign_off.role
        for index, role in enumerate(step.sign_off.of):
            yield f"{at}.sign_off.of[{index}]", role


def declared(lint: Lint) -> None:
    """Refuse a role that `roles` does not declare; lead, deputy and observer always exist."""
    for path, role in _named(lint):
        if role not in lint.roles and "${" not in role:
            near = did_you_mean(role, lint.roles)
            lint.error(path, f"the role {quote(role)} is not declared in `roles`{near}")


def backups(lint: Lint) -> None:
    """Refuse an optional role that owns a step and that nobody backs up; warn of a lead without one."""
    owners = {placed.step.owner for placed in lint.places}
    for name, role in lint.procedure.roles.items():
        if role.backup == name:
            lint.error(f"roles.{name}.backup", f"{quote(name)} cannot be its own backup")
        if name == "lead" or role.required or role.backup or name not in owners:
            continue
        lint.error(
            f"roles.{name}", f"the optional role {quote(name)} owns steps: it needs a `backup`, or be required"
        )
    lead = lint.procedure.roles.get("lead")
    if lead is None or not lead.backup:
        lint.warning("roles.lead", "`lead` has no `backup`: nobody is deputy")
