"""Fills the parameters into a document's tree, before its fields are read.

So a parameter may stand for any scalar, a duration as well as a text, and the value is judged by the field
that it lands in. The `params` section itself is left alone, and so are `shell` scripts (they get variables).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from quarterdeck.documents import nodes
from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.documents.schema import Context
from quarterdeck.procedure.model import NAME_PATTERN, Param
from quarterdeck.procedure.substitution import references, splice, value_problem

__all__ = ["Filling", "fill", "settle"]

_NAME = re.compile(NAME_PATTERN)


class Filling:
    """The values in force: what may be filled in now, what stays, what nobody has given yet."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        """Every parameter with a value; a secret one's is the reference to it."""
        self.now: dict[str, str] = {}
        """What is filled in at load."""
        self.open: set[str] = set()
        """Required, without a value: only lint goes on with these."""
        self.secret: set[str] = set()


def settle(params: Mapping[str, Param], given: Mapping[str, str], context: Context, *, demand: bool) -> Filling:
    """Decide each parameter's value: the given one, else its default. `demand`: a missing one is an error."""
    filling = Filling()
    for name in given:
        if name not in params:
            near = did_you_mean(name, params)
            known = "" if near else f"; it has {', '.join(params)}" if params else "; it has none"
            context.error(context.place("params"), f"{quote(name)} is no parameter of this procedure{near}{known}")
    for name, param in params.items():
        place = context.place(f"params.{name}")
        if param.secret:
            filling.secret.add(name)
        value = given.get(name, param.default)
        if value is None:
            filling.open.add(name)
            if demand:
                asked = f": {param.ask}" if param.ask else ""
                context.error(place, f"parameter `{name}` needs a value (--param {name}=…){asked}")
            continue
        wrong = value_problem(name, param, value)
        if wrong:
            context.error(context.place(f"params.{name}.default") if name not in given else place, wrong)
            filling.open.add(name)
            continue
        filling.values[name] = value
        if not param.secret:
            filling.now[name] = value
    return filling


def fill(root: nodes.Mapping, filling: Filling, params: Iterable[str], context: Context) -> None:
    """Replace `${name}` in every scalar outside `params`; say unknown names where they stand."""
    known = set(params)
    for key, (_, value) in root.entries.items():
        if key != "params":
            _fill(value, key, filling, known, context)


def _fill(node: nodes.Node, key: str, filling: Filling, known: set[str], context: Context) -> None:
    if isinstance(node, nodes.Mapping):
        for name, (_, value) in node.entries.items():
            _fill(value, name, filling, known, context)
    elif isinstance(node, nodes.Sequence):
        for item in node.items:
            _fill(item, key, filling, known, context)
    elif "${" in node.text and key != "shell":
        for name, _ in references(node.text):
            if "." in name:
                continue
            if name not in known:
                near = did_you_mean(name, known)
                literal = "" if near else "; a literal `${` is written `$${`"
                shown = "${" + name + "}"
                said = "is no reference" if not _NAME.fullmatch(name) else "is no parameter"
                context.error(node, f"{quote(shown)} {said}{near}{literal}")
            if name in filling.open or name not in known:
                node.open = True
        filled = splice(node.text, filling.now)
        if filled != node.text:
            node.text, node.offset, node.filled = filled, -1, True
