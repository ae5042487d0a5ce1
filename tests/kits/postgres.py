"""A real PostgreSQL for tests: a cluster in a temporary folder, reached by its socket alone."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["Cluster", "server_programs"]


def server_programs() -> Path | None:
    """The folder with `initdb` and `pg_ctl`, of the newest version on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class Cluster:
    """One cluster, started; its files belong to an ordinary user, since PostgreSQL refuses root."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="qd-pg-"))
        self.folder.chmod(0o777)
        self.data = self.folder / "data"
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off"
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-w", "-o", options, "start")

    @property
    def env(self) -> dict[str, str]:
        """What a client needs."""
        return {"PGHOST": str(self.folder), "PGUSER": "postgres", "PGDATABASE": "postgres"}

    def ask(self, sql: str) -> str:
        """The answer of a statement, unaligned."""
        done = subprocess.run(
            ["psql", "-XAtc", sql], env={**os.environ, **self.env}, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def close(self) -> None:
        """Stop it at once and forget its files."""
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        argv = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            argv = ["runuser", "-u", _ordinary_user(), "--", *argv]
        # its own files for output: the server keeps them open
        with (self.folder / "output").open("ab") as output:
            subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True, cwd="/")


def _ordinary_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
