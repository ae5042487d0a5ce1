"""Which key does what: the shipped keys from the commands, with the person's own over them.

A person's keymap is `keymap.yaml` in the config folder, or `keys` in `settings.yaml`: command id to key, or to a
list of keys. We validate it ourselves, because Textual ignores unknown ids and misses clashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from quarterdeck.console.commands.base import Command
from quarterdeck.errors import DocumentError

__all__ = ["Keymap", "name_of_key", "shown"]

_NAMED = {"?": "question_mark", " ": "space"}
_SHOWN = {"ctrl+": "^", "question_mark": "?", "enter": "enter", "escape": "esc", "space": "space"}
_KEY = re.compile(r"(ctrl\+|alt\+|shift\+)*([a-zA-Z0-9]|f[1-9]|f1[0-9]|f2[0-4]|[a-z_]{2,})|[^\w\s]")
_RESERVED = {"up", "down", "left", "right", "pageup", "pagedown", "home", "end", "shift+tab"}


def name_of_key(key: str) -> str:
    """The key as Textual names it."""
    return _NAMED.get(key, key)


def shown(key: str) -> str:
    """The key as the screen shows it: `^p`, `F9`, `enter`."""
    if key.startswith("ctrl+"):
        rest = key.removeprefix("ctrl+")
        return "^" + {"backslash": "\\"}.get(rest, rest)
    if re.fullmatch(r"f\d+", key):
        return key.upper()
    return _SHOWN.get(key, key)


class Keymap:
    """Keys to commands; several commands may share a key where only one of them ever applies."""

    def __init__(self, commands: Iterable[Command], own: Mapping[str, str | Sequence[str]] | None = None) -> None:
        """DocumentError where `own` names what does not exist, or gives one key to two commands."""
        self.commands = tuple(commands)
        self._by_id = {command.id: command for command in self.commands}
        self._keys: dict[str, tuple[str, ...]] = {}
        self._everywhere: dict[str, tuple[str, ...]] = {}
        for command in self.commands:
            letters = tuple(dict.fromkeys(k for k in (command.key, *command.more_keys) if k))
            self._keys[command.id] = letters
            self._everywhere[command.id] = command.everywhere
        if own:
            self._apply(own)
        self._table: dict[str, list[Command]] = {}
        self._over_text: dict[str, Command] = {}
        self._fill()

    def _apply(self, own: Mapping[str, str | Sequence[str]]) -> None:
        problems: list[str] = []
        taken = {key: c for c, keys in {**self._keys}.items() for key in keys if c not in own}
        taken |= {key: c for c, keys in self._everywhere.items() for key in keys if c not in own}
        for identity, given in own.items():
            if identity not in self._by_id:
                near = get_close_matches(identity, self._by_id, 1)
                problems.append(
                    f"{identity}: there is no such command" + (f"; did you mean {near[0]}?" if near else "")
                )
                continue
            keys = (given,) if isinstance(given, str) else tuple(given)
            for key in keys:
                if wrong := self._wrong(identity, key, taken):
                    problems.append(f"{identity}: {wrong}")
                taken[key] = identity
            over = tuple(key for key in keys if len(key) > 1)
            self._keys[identity] = tuple(key for key in keys if len(key) == 1) or (keys if not over else ())
            self._everywhere[identity] = over if self._by_id[identity].everywhere else ()
            if not self._by_id[identity].everywhere:
                self._keys[identity] = keys
        if "halt" in own and not self._everywhere["halt"]:
            problems.append("halt: needs a key that works while you type, such as f9")
        if problems:
            raise DocumentError(
                "the keymap cannot be used", problems=tuple(problems), hint="the shipped keys are in force"
            )

    def _wrong(self, identity: str, key: str, taken: Mapping[str, str]) -> str:
        if not _KEY.fullmatch(key):
            return f"{key!r} is no key"
        if key in _RESERVED:
            return f"{key} moves in the panes"
        other = taken.get(key)
        if other and other != identity:
            return f"{key} belongs to {other} already"
        command = self._by_id[identity]
        if not command.any_case and not command.of_view and len(key) == 1 and key.islower():
            return f"{key}: a consequential key has to be a capital, since a resting hand hits small letters"
        return ""

    def _fill(self) -> None:
        for command in self.commands:
            for key in self._keys[command.id]:
                variants = {key, key.swapcase()} if command.any_case and len(key) == 1 else {key}
                for variant in variants:
                    self._table.setdefault(name_of_key(variant), []).append(command)
            for key in self._everywhere[command.id]:
                self._over_text[key] = command
                self._table.setdefault(key, []).append(command)

    def find(self, key: str, character: str | None = None) -> list[Command]:
        """Commands of a key, as Textual names it, or of the character that it makes."""
        found = self._table.get(key)
        if found is None and character and character.isprintable():
            found = self._table.get(name_of_key(character))
        return list(dict.fromkeys(found or ()))

    def over_text(self, key: str) -> Command | None:
        """The command whose key works with a text field focused."""
        return self._over_text.get(key)

    def capital(self, character: str | None) -> list[Command]:
        """For a small letter that does nothing: the commands of its capital."""
        if not character or len(character) != 1 or not character.islower():
            return []
        return [c for c in self._table.get(character.upper(), []) if not c.any_case]

    def key_of(self, command: Command, *, typing: bool = False) -> str:
        """The key to show for a command; empty where it has none. `typing`: the one that works in a text field."""
        if typing and self._everywhere[command.id]:
            return shown(self._everywhere[command.id][0])
        keys = self._keys[command.id] or self._everywhere[command.id]
        return shown(keys[0]) if keys else ""

    def keys_of(self, command: Command) -> str:
        """All keys of a command, for help."""
        return " ".join(shown(k) for k in dict.fromkeys((*self._keys[command.id], *self._everywhere[command.id])))

    def everywhere(self) -> Mapping[str, Command]:
        """Keys that work with a text field focused."""
        return self._over_text
