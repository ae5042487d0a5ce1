"""Rules for a step by itself: what its kind needs, its duration, its undo, its commands."""

from __future__ import annotations

from quarterdeck.documents import attributes
from quarterdeck.documents.problems import quote
from quarterdeck.procedure.interpreters import is_shell, named
from quarterdeck.procedure.model import Step
from quarterdeck.procedure.parameters import references
from quarterdeck.procedure.rules.base import Lint

__all__ = [
    "durations",
    "identities",
    "kinds",
    "not_yet",
    "production_hosts",
    "retries",
    "scripts",
    "signatures",
    "undo",
]

_POLL_ONLY = ("question", "roles", "quorum", "on_timeout", "criteria")
_WAIT_ONLY = ("until", "release")
_COMMAND_ONLY = (
    "command", "shell", "interpreter", "errexit", "leaves", "progress", "stop", "gone", "changed", "interactive",
    "become", "cwd", "env", "on_crash", "cleanup",
)  # fmt: skip


def identities(lint: Lint) -> None:
    """Refuse duplicate ids, over all lists of steps and stages, and within guards, criteria and checklist."""
    seen: dict[str, int] = {}
    for index, stage in enumerate(lint.procedure.stages):
        path = f"stages[{index}].id"
        _once(lint, seen, stage.id, path, lint.context.near(path)[0])
    for placed in lint.places:
        _once(lint, seen, placed.step.id, f"{lint.at(placed.step)}.id", placed.step.line)
    procedure = lint.procedure
    named = {
        "guards": [guard.id for guard in procedure.guards],
        "criteria": [criterion.id for criterion in procedure.criteria],
        "checklist": [item.id for item in procedure.checklist],
    }
    for name, identities_ in named.items():
        own: dict[str, int] = {}
        for index, identity in enumerate(identities_):
            path = f"{name}[{index}].id"
            _once(lint, own, identity, path, lint.context.near(path)[0])


def _once(lint: Lint, seen: dict[str, int], identity: str, path: str, line: int) -> None:
    if not identity:
        return
    if identity in {"rollback", "contingency", "closing", "quarterdeck"}:
        lint.error(path, f"{quote(identity)} is a word of the format; choose another id")
    if identity in seen:
        lint.error(path, f"the id {quote(identity)} is used twice; first at line {seen[identity]}")
    else:
        seen[identity] = line


def durations(lint: Lint) -> None:
    """Refuse a step without planned work time: the clocks and the rollback's minutes are made of them."""
    for placed in lint.places:
        step = placed.step
        if step.kind != "note" and not lint.wrote(step, "duration"):
            what = "an undo step" if placed.undoes else "a step"
            lint.step_error(step, "", f"{what} needs a `duration` ({quote(step.id)})")


def kinds(lint: Lint) -> None:
    """Refuse a kind without what it lives on, and fields of another kind, which would do nothing."""
    for placed in lint.places:
        step = placed.step
        _needs(lint, step)
        for kind, keys in (("poll", _POLL_ONLY), ("wait", _WAIT_ONLY), ("command", _COMMAND_ONLY)):
            for key in keys:
                if step.kind != kind and lint.wrote(step, key):
                    lint.step_error(step, key, f"`{key}` belongs to kind {kind}; this step is of kind {step.kind}")
    for index, gate in enumerate(lint.procedure.preconditions):
        if gate.kind not in {"check", "poll"}:
            lint.error(f"preconditions[{index}].kind", f"a precondition is a check or a poll, not a {gate.kind}")
    if lint.procedure.stages and not any(stage.steps for stage in lint.procedure.stages):
        lint.error("stages", "there is no step in `stages`")


def _needs(lint: Lint, step: Step) -> None:
    if step.kind == "command":
        present = [key for key in ("command", "shell") if lint.wrote(step, key)]
        if len(present) != 1:
            found = "both" if present else "neither"
            lint.step_error(step, "", f"a command step needs `command` or `shell`; {quote(step.id)} has {found}")
    elif step.kind == "check" and not step.verify and not lint.wrote(step, "verify"):
        lint.step_error(step, "", f"a check needs `verify` items ({quote(step.id)})")
    elif step.kind == "poll":
        for key in ("question", "roles"):
            if not lint.wrote(step, key):
                lint.step_error(step, "", f"a poll needs `{key}` ({quote(step.id)})")
        if step.roles and step.quorum > len(step.roles):
            lint.step_error(step, "quorum", f"a quorum of {step.quorum} cannot come from {len(step.roles)} roles")
    elif step.kind == "wait" and not (lint.wrote(step, "until") or lint.wrote(step, "release")):
        lint.step_error(step, "", f"a wait needs `until` or `release` ({quote(step.id)})")


def not_yet(lint: Lint) -> None:
    """Refuse what the format knows and this version does not do: it would be accepted and ignored."""
    for placed in lint.places:
        for key in attributes.not_yet(placed.step):
            lint.step_error(placed.step, key, f"`{key}` is not supported yet")


def scripts(lint: Lint) -> None:
    """Refuse what speaks of a script where there is none, and `errexit` of what does not know it."""
    for placed in lint.places:
        step = placed.step
        for key in ("interpreter", "errexit"):
            if step.kind == "command" and lint.wrote(step, key) and not lint.wrote(step, "shell"):
                lint.step_error(step, key, f"`{key}` speaks of a script; this step has no `shell`")
        if "${" in step.interpreter:
            if any("." in name for name, _ in references(step.interpreter)):
                lint.step_error(step, "interpreter", "the interpreter cannot be a recorded value")
        elif step.errexit and not is_shell(step.interpreter):
            lint.step_error(
                step, "errexit", f"{quote(named(step.interpreter))} is no shell and knows no errexit; leave it out"
            )


def undo(lint: Lint) -> None:
    """Refuse a change without a way back or the reason why there is none, and an undo that would never run."""
    for placed in lint.places:
        step = placed.step
        wrote = lint.wrote(step, "undo")
        if placed.group == "stages" and step.mutates and not wrote:
            lint.step_error(
                step,
                "",
                f"{quote(step.id)} changes something: it needs `undo` (steps, or `{{none: reason}}`); "
                "what changes nothing says `mutates: false`",
            )
        elif placed.group == "stages" and step.mutates and not step.undo and not step.undo_none:
            lint.step_error(step, "undo", "`undo` holds no step; write steps, or `{none: reason}`")
        if placed.group == "stages" and not step.mutates and step.undo:
            lint.step_error(step, "undo", "this step changes nothing (`mutates: false`), so its undo would never run")
        if placed.group != "stages" and step.undo:
            lint.step_error(step, "undo", "only steps of `stages` are undone; this would never run")


def retries(lint: Lint) -> None:
    """Refuse an automatic retry of what must not run twice (R14)."""
    for placed in lint.places:
        step = placed.step
        if step.on_fail.retry is not None and step.mutates and not step.idempotent:
            lint.step_error(
                step, "on_fail", "a retry needs `idempotent: true` or `mutates: false`: it could change things twice"
            )


def signatures(lint: Lint) -> None:
    """Refuse a sign-off that says neither who nor how many, or asks for more than there are."""
    for placed in lint.places:
        sign = placed.step.sign_off
        if sign is None:
            continue
        if bool(sign.role) == bool(sign.of):
            lint.step_error(placed.step, "sign_off", "a sign-off needs `role`, or `min` and `of`")
        if sign.of and sign.min > len(sign.of):
            lint.step_error(placed.step, "sign_off.min", f"{sign.min} cannot sign from {len(sign.of)} roles")


def production_hosts(lint: Lint) -> None:
    """Refuse, in production, a command that changes something on whatever machine it happens to be started."""
    if not {name.lower() for name in lint.procedure.environments} & {"production", "prod"}:
        return
    for placed in lint.places:
        step = placed.step
        if step.kind == "command" and step.mutates and not step.host:
            lint.step_error(
                step, "", f"in production a command that changes something needs a `host` ({quote(step.id)})"
            )
