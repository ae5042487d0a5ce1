"""Doctor's looks at what one procedure needs here: its programs, secrets, what it watches, sudo, ssh."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from quarterdeck.host import ThisMachine, host_names
from quarterdeck.procedure.checks import CommandOptions, LocalOptions, understand
from quarterdeck.procedure.graph import every_step
from quarterdeck.procedure.interpreters import script_command
from quarterdeck.procedure.model import Procedure, Step
from quarterdeck.procedure.secrets import how_to_set, named_secrets
from quarterdeck.station.commands.values import Values
from quarterdeck.station.doctor.finding import Finding, ask

__all__ = ["needs"]


def needs(procedure: Procedure) -> list[Finding]:
    """Programs, secrets, sudo and ssh of the steps that may run on this machine; nothing where none does."""
    here = {*host_names(), "localhost"}
    steps = [placed.step for placed in every_step(procedure)]
    mine = [step for step in steps if not step.host or here & set(step.host)]
    found = [_programs(mine)] if any(map(_programs_of, mine)) else []
    if procedure.targets:
        found += _targets(procedure)
    if any(step.become for step in mine):
        found.append(_sudo())
    found += _secrets(procedure, mine)
    if any(Path(argv[0]).name in {"ssh", "scp", "sftp", "rsync"} for step in mine for argv in _programs_of(step)):
        found.append(_agent())
    return found


def _programs_of(step: Step) -> list[tuple[str, ...]]:
    progress = step.progress.command if step.progress else ()
    reading = [item.command for item in step.reads]
    script = script_command(step) if step.shell else ()
    return [argv for argv in (step.command, script, step.stop, progress, *reading) if argv]


def _programs(steps: list[Step]) -> Finding:
    missing: dict[str, str] = {}
    for step in steps:
        for argv in _programs_of(step):
            if "${" not in argv[0] and shutil.which(argv[0]) is None:
                missing.setdefault(argv[0], step.id)
    if missing:
        said = ", ".join(f"{program} (step {step})" for program, step in sorted(missing.items()))
        return Finding("problem", "Programs", f"not found here: {said}", "install them, or name the step's `host`")
    return Finding("ok", "Programs", "all that the steps name are here")


def _secrets(procedure: Procedure, steps: list[Step]) -> list[Finding]:
    """Those that the steps name: each that cannot be read here, with what to do; one line where all can."""
    named: dict[str, str] = {}
    for step in steps:
        for name in named_secrets(procedure, step):
            named.setdefault(name, step.id)
    unset = Values(Path()).learn(procedure)
    missing = [
        Finding(
            "problem",
            "Secrets",
            f"{_called(name, unset[name])} is not set: step {step} needs it",
            how_to_set(unset[name]),
        )
        for name, step in named.items()
        if name in unset
    ]
    return missing or ([Finding("ok", "Secrets", "all that the steps name can be read")] if named else [])


def _called(name: str, reference: str) -> str:
    return name if name == reference else f"{name} ({reference})"


def _targets(procedure: Procedure) -> list[Finding]:
    """Targets that would stay unknown: of another host, or with a plugin that is not here."""
    machine = ThisMachine()
    found = []
    for name, target in procedure.targets.items():
        built = understand(target.type, target.options)[0]
        if isinstance(built, CommandOptions) and not machine.finds(built.argv[0], built.cwd):
            said = f"its program is not found here: {built.argv[0]}"
            found.append(Finding("problem", f"Target {name}", said, "install it, or name its whole path"))
        elif isinstance(built, LocalOptions) and built.host and built.host.lower() not in machine.names:
            said = f"it watches {built.host}, which is not this host ({host_names().short}), and would stay unknown"
            found.append(Finding("warning", f"Target {name}", said, "give the session another value for its host"))
    return found


def _sudo() -> Finding:
    if os.getuid() == 0:
        return Finding("ok", "sudo", "not needed: this is root") if shutil.which("sudo") else _no_sudo()
    code, said = ask("sudo", "-n", "true")
    if code is None:
        return _no_sudo()
    if code:
        return Finding(
            "problem",
            "sudo",
            f"it asks for a password or refuses: {said.splitlines()[-1] if said else f'exit code {code}'}",
            "let your sudoers entry say NOPASSWD for what the steps run and for kill",
        )
    return Finding("ok", "sudo", "works without a password")


def _no_sudo() -> Finding:
    return Finding("problem", "sudo", "steps with `become: root` need it, and it is not installed", "install sudo")


def _agent() -> Finding:
    if not os.environ.get("SSH_AUTH_SOCK"):
        return Finding(
            "warning", "ssh", "steps use ssh, and no agent is here (SSH_AUTH_SOCK)", "eval $(ssh-agent); ssh-add"
        )
    code, said = ask("ssh-add", "-l")
    if code:
        return Finding("warning", "ssh", f"the agent holds no key: {said or 'no answer'}", "ssh-add")
    return Finding("ok", "ssh", "an agent with a key is here")
