"""The environment that a step's command gets: built from empty, so that nothing reaches it by accident.

Pure: the person's own environment comes in as an argument. Called by the station before `Commands.prepare`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["ALWAYS", "build_environment", "pgappname"]

ALWAYS = ("PATH", "HOME", "LANG", "TZ")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def pgappname(letters: str, step: str) -> str:
    """What a step's connections are called in PostgreSQL: `quarterdeck/kfwz/drop-index`, 63 bytes at most.

    PostgreSQL cuts longer names by itself, and a `gone` check must ask for the same text.
    """
    return f"quarterdeck/{letters}/{step}".encode(errors="replace")[:63].decode(errors="ignore")


def build_environment(
    *,
    own: Mapping[str, str],
    letters: str,
    step: str,
    declared: Mapping[str, str] | None = None,
    pass_env: Iterable[str] = (),
    ssh_auth_sock: str = "",
) -> dict[str, str]:
    """PATH, HOME, LANG and TZ of `own`; then what `pass_env` lets through; then what the step declares.

    `own` is the person's environment; `letters` the session's four; `ssh_auth_sock` the agent of the last attached
    console, empty for none. A name in `pass_env` that `own` lacks is left out.
    """
    built = {"PATH": DEFAULT_PATH, "HOME": "/", "LANG": "C.UTF-8"}
    built |= {name: own[name] for name in (*ALWAYS, *pass_env) if name in own}
    built["PGAPPNAME"] = pgappname(letters, step)
    if ssh_auth_sock:
        built["SSH_AUTH_SOCK"] = ssh_auth_sock
    return built | dict(declared or {})
