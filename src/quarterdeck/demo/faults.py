"""The demo's fault switches: what `--fault` and "Break it" turn on, read by the service and the tool.

A switch is a key in one small JSON file. Nothing here breaks anything by itself.
"""

from __future__ import annotations

from typing import Literal, get_args

from quarterdeck.demo.files import Home, read_json, write_json

__all__ = ["FAULTS", "Fault", "active", "clear", "take_step_fault", "turn_on"]

Fault = Literal["slow", "errors", "disk", "step"]
FAULTS: tuple[Fault, ...] = get_args(Fault)

SLOW_SECONDS = 0.25
"""Added to each query of the service while `slow` is on."""
LITTLE_DISK = 40 * 1024 * 1024
"""Bytes that the service reports as free while `disk` is on."""


def active(home: Home) -> frozenset[Fault]:
    """The faults that are on now."""
    switches = read_json(home.faults)
    return frozenset(name for name in FAULTS if switches.get(name))


def turn_on(home: Home, name: str) -> None:
    """Turn a fault on; raises ValueError for a name that is none."""
    _switch(home, name, on=True)


def clear(home: Home, name: str) -> None:
    """Turn a fault off; raises ValueError for a name that is none."""
    _switch(home, name, on=False)


def take_step_fault(home: Home) -> bool:
    """True once after `step` was turned on: one step fails, and its next attempt works."""
    if "step" not in active(home):
        return False
    clear(home, "step")
    return True


def _switch(home: Home, name: str, *, on: bool) -> None:
    if name not in FAULTS:
        raise ValueError(f"no fault named {name!r}: there are {', '.join(FAULTS)}")
    switches = read_json(home.faults)
    switches[name] = on
    write_json(home.faults, switches)
