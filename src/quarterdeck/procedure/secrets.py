"""Which secrets a step's commands name, and how a person sets one that is missing.

A command gets the secrets that it names and no others: `${name}` in its argv, environment, `stop`, `progress`,
verifications, `gone` and `changed`, or its variable in a `shell:` script. A shell's script names one as `$name` or
`${name}`; what another interpreter's script says of it (`os.environ["name"]`, `$ENV{name}`) has no form of its own,
so there the word alone counts. Pure: nobody here reads a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from quarterdeck.documents.kinds import is_secret_reference
from quarterdeck.procedure.graph import every_step
from quarterdeck.procedure.interpreters import is_shell
from quarterdeck.procedure.model import Procedure, Step
from quarterdeck.procedure.parameters import environment_name, references

__all__ = ["environment_references", "how_to_set", "named_secrets", "references_of", "variables_of"]


def references_of(procedure: Procedure) -> dict[str, str]:
    """Each secret parameter that has one, to the reference by which it is found (`env:NAME`).

    Also each reference that stands in a step's `env`, under its own name.
    """
    direct = {
        reference: reference for placed in every_step(procedure) for reference in environment_references(placed.step)
    }
    return _parameters(procedure) | direct


def environment_references(step: Step) -> tuple[str, ...]:
    """The references that stand in the step's `env` themselves; an address such as file:///srv is none."""
    return tuple(text for text in step.env.values() if is_secret_reference(text) and not text.startswith("file://"))


def _parameters(procedure: Procedure) -> dict[str, str]:
    return {
        name: reference
        for name, reference in procedure.values.items()
        if name in procedure.params and procedure.params[name].secret
    }


def variables_of(procedure: Procedure) -> tuple[str, ...]:
    """The environment variables in which its secrets lie."""
    found = (reference.partition(":") for reference in references_of(procedure).values())
    return tuple(dict.fromkeys(name for kind, _, name in found if kind == "env"))


def named_secrets(procedure: Procedure, step: Step) -> tuple[str, ...]:
    """The secret parameters that the step's commands name, in the procedure's order, and its `env`'s references."""
    spliced = {name for text in _texts(step) for name, _ in references(text)}
    named = [name for name in _parameters(procedure) if name in spliced or (step.shell and _in_script(step, name))]
    return tuple(dict.fromkeys((*named, *environment_references(step))))


def _texts(step: Step) -> Iterator[str]:
    yield from (*step.command, *step.stop, *step.env.values())
    if step.progress is not None:
        yield from step.progress.command
    for item in step.reads:
        yield from item.command
        if item.expect is not None:
            yield from (item.expect.value, item.expect.upper)


def _in_script(step: Step, name: str) -> bool:
    variable = re.escape(environment_name(name))
    form = rf"\$(?:\{{[#!]?)?{variable}(?!\w)" if is_shell(step.interpreter) else rf"(?<!\w){variable}(?!\w)"
    return re.search(form, step.shell) is not None


def how_to_set(reference: str) -> str:
    """What a person does about a secret that cannot be read: `export NAME, then attach from that shell`."""
    kind, _, place = reference.partition(":")
    if kind == "env":
        return f"export {place}, then attach from that shell"
    if kind == "file":
        return f"make {place} readable here"
    return "secrets from a keyring are not supported yet: give env:NAME or file:PATH"
