"""A connection to SQLite that records what reaches the files: writes, syncs, truncations, deletions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

apsw = pytest.importorskip("apsw", reason="apsw is not installed: nothing sees what SQLite does to its files")

Operation = tuple[Any, ...]
"""("w", file, offset, bytes), ("t", file, size), ("s", file), ("d", file, folder synced)."""


def recording(operations: list[Operation]) -> Any:
    """A connector whose connections record what reaches the files."""

    class File(apsw.VFSFile):  # type: ignore[misc, name-defined]
        def __init__(self, name: Any, flags: Any) -> None:
            self.name = Path(name.filename() if isinstance(name, apsw.URIFilename) else str(name)).name
            super().__init__("", name, flags)

        def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
            operations.append(("w", self.name, offset, bytes(data)))
            super().xWrite(data, offset)

        def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
            operations.append(("s", self.name))
            super().xSync(flags)

        def xTruncate(self, size: int) -> None:  # noqa: N802 - SQLite's name
            operations.append(("t", self.name, size))
            super().xTruncate(size)

    class Vfs(apsw.VFS):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.vfs_name = "recording"
            super().__init__(self.vfs_name, "")

        def xOpen(self, name: Any, flags: Any) -> Any:  # noqa: N802 - SQLite's name
            return File(name, flags)

        def xDelete(self, name: str, synced: bool) -> None:  # noqa: N802 - SQLite's name
            operations.append(("d", Path(name).name, synced))
            super().xDelete(name, synced)

    vfs = Vfs()

    def connect(path: Path) -> Any:
        return apsw.Connection(str(path), vfs=vfs.vfs_name)

    return connect
