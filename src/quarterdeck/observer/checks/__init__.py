"""The checks of the types that `procedure.checks` declares as watched: one module for each, of the type's name.

A module has `build(options, context) -> Check`. Its options were read before, by what lint reads them with, so that
only what a run meets can go wrong there. Modules are imported when the first target of their type comes: nobody pays
for httpx without an http check.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from typing import cast

from msgspec.structs import replace

from quarterdeck.observer.checks.base import Check, Context, SettingError
from quarterdeck.procedure.checks import CHECKS, Options, understand
from quarterdeck.procedure.model import Target

__all__ = ["TYPES", "build"]

TYPES = tuple(sorted(name for name, check in CHECKS.items() if check.watched))


def build(target: Target, context: Context) -> Check:
    """The check of a target. Raises `SettingError` for an unknown type or a wrong option."""
    if target.type not in TYPES:
        near = difflib.get_close_matches(target.type, TYPES, n=1)
        meant = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(TYPES)}"
        raise SettingError(f"this version has no check of type {target.type!r}{meant}")
    options, wrong = understand(target.type, target.options)
    if options is None:
        raise SettingError(wrong[0].message)
    module = importlib.import_module(f"{__name__}.{target.type}")
    make = cast("Callable[[Options, Context], Check]", module.build)
    return make(options, replace(context, metrics=(*context.metrics, *target.bands)))
