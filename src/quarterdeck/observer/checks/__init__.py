"""The types of check: one module for each, found by the type's name.

A module has `build(target, context) -> Check`. A new type is one more module and one more line in `MODULES`.
Modules are imported when the first target of their type comes, so that nobody pays for httpx without an http check.
Called by the observer process; `TYPES` by whoever wants to say which types exist.
"""

from __future__ import annotations

import difflib
import importlib
from typing import cast

from quarterdeck.observer.checks.base import Build, Check, Context, SettingError
from quarterdeck.procedure.model import Target

__all__ = ["MODULES", "TYPES", "build"]

MODULES = {
    "command": "command",
    "health_json": "health_json",
    "http": "http",
    "local": "local",
    "tcp": "tcp",
}
"""Type name to module name."""

TYPES = tuple(sorted(MODULES))


def build(target: Target, context: Context) -> Check:
    """The check of a target. Raises `SettingError` for an unknown type or a wrong option."""
    module = MODULES.get(target.type)
    if module is None:
        near = difflib.get_close_matches(target.type, TYPES, n=1)
        meant = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(TYPES)}"
        raise SettingError(f"this version has no check of type {target.type!r}{meant}")
    loaded = importlib.import_module(f"{__name__}.{module}")
    return cast("Build", loaded.build)(target, context)
