"""A person's own settings of the console: the config folder, and the keymap in it.

`keymap.yaml`, or `keys` in `settings.yaml`: command id to a key or a list of keys. YAML is imported only where such
a file exists. What is wrong is said with file and line, and the shipped keys stay in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from quarterdeck.console.commands.base import Command
from quarterdeck.console.keymap import Keymap
from quarterdeck.errors import DocumentError

if TYPE_CHECKING:
    from quarterdeck.documents.nodes import Mapping

__all__ = ["own_keymap", "read_keys"]


def own_keymap(commands: Sequence[Command], config: Path) -> tuple[Keymap, list[str]]:
    """The keymap with the person's own keys, and what was wrong with them, a line each."""
    notices: list[str] = []
    for path, inner in ((config / "keymap.yaml", ""), (config / "settings.yaml", "keys")):
        if not path.is_file():
            continue
        try:
            keys = read_keys(path, inner)
            if keys:
                return Keymap(commands, keys), notices
        except DocumentError as error:
            problems = error.problems or (str(error),)
            notices += [f"{path.name}: {problem}; the shipped keys are in force" for problem in problems[:3]]
    return Keymap(commands), notices


def read_keys(path: Path, inner: str = "") -> dict[str, tuple[str, ...]]:
    """Command ids to keys, as the file says; `inner` names the mapping in which they stand. DocumentError."""
    from quarterdeck.documents.nodes import Mapping, Scalar, Sequence
    from quarterdeck.documents.strict import read_tree

    root = read_tree(path)
    if not isinstance(root, Mapping):
        raise DocumentError("a keymap is a mapping of command ids to keys", where=str(path))
    found: Mapping = root
    if inner:
        part = root.get(inner)
        if part is None:
            return {}
        if not isinstance(part, Mapping):
            raise DocumentError(f"`{inner}` is a mapping of command ids to keys", where=f"{path}:{part.line}")
        found = part
    keys: dict[str, tuple[str, ...]] = {}
    for name, (_, value) in found.entries.items():
        if name.startswith("quarterdeck-"):
            continue
        if isinstance(value, Scalar):
            keys[name] = (value.text,)
        elif isinstance(value, Sequence) and all(isinstance(item, Scalar) for item in value.items):
            keys[name] = tuple(item.text for item in value.items if isinstance(item, Scalar))
        else:
            raise DocumentError(f"{name}: a key, or a list of keys", where=f"{path}:{value.line}")
    return keys
