"""Keys: which does what, and what a key press becomes: a command, a refusal in one line, or nothing.

Every key comes from the keymap: the shipped keys from the commands, with the person's own over them. Those are
`keymap.yaml` in the config folder, or `keys` in `settings.yaml`: command id to a key or a list of keys. They are
validated here, because Textual ignores unknown ids and misses clashes; what is wrong is said with file and line, and
the shipped keys stay in force.

`Keys` knows debouncing, swallowing after a bar that events closed and after a key that was refused, capitals and
small letters. What is `urgent`, a halt, goes past all of it.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from quarterdeck.console.commands.base import Command, No, applies
from quarterdeck.errors import DocumentError

if TYPE_CHECKING:
    from textual.widget import Widget

    from quarterdeck.console.desk import Desk
    from quarterdeck.console.screens.form_bar import FormBar
    from quarterdeck.documents.nodes import Mapping as MappingNode

__all__ = ["AGAIN", "QUIET", "Keymap", "Keys", "name_of_key", "own_keymap", "read_keys", "shown"]

AGAIN = 0.5
"""Seconds in which the same key is ignored."""
AHEAD = 0.5
"""Seconds between two letters of one who types without looking: behind a key that was refused they are no keys."""
QUIET = 1.0
"""Seconds without a key after which letters count again, once events closed a bar."""
_TYPING = frozenset({"Input", "TextArea"})

_NAMED = {"?": "question_mark", " ": "space"}
_SHOWN = {"ctrl+": "^", "question_mark": "?", "enter": "enter", "escape": "esc", "space": "space"}
_KEY = re.compile(r"(ctrl\+|alt\+|shift\+)*([a-zA-Z0-9]|f[1-9]|f1[0-9]|f2[0-4]|[a-z_]{2,})|[^\w\s]")
_SAID = re.compile(r"(?:(?<=[·:,;?] )|(?<=^)|(?<=\()|(?<=in the list ))(?:enter|F9|\^p|[A-Zbuv?])(?= [a-z]|\))")
"""Where a sentence names a key: at the start of a clause, before a verb, or in brackets."""
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
        self.by_id = {command.id: command for command in self.commands}
        """Commands by their ids."""
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
        self._own = self._changed() if own else {}

    def _apply(self, own: Mapping[str, str | Sequence[str]]) -> None:
        problems: list[str] = []
        taken = {key: c for c, keys in {**self._keys}.items() for key in keys if c not in own}
        taken |= {key: c for c, keys in self._everywhere.items() for key in keys if c not in own}
        for identity, given in own.items():
            if identity not in self.by_id:
                near = get_close_matches(identity, self.by_id, 1)
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
            self._everywhere[identity] = over if self.by_id[identity].everywhere else ()
            if not self.by_id[identity].everywhere:
                self._keys[identity] = keys
        problems += [
            f"{command.id}: needs a key that works while you type, such as {command.everywhere[0]}"
            for command in self.commands
            if command.urgent and not self._everywhere[command.id]
        ]
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
        command = self.by_id[identity]
        if not command.any_case and not command.of_view and len(key) == 1 and key.islower():
            return f"{key}: a consequential key has to be a capital, since a resting hand hits small letters"
        return ""

    def _fill(self) -> None:
        named = {key for keys in self._keys.values() for key in keys}
        for command in self.commands:
            for key in self._keys[command.id]:
                other = {key.swapcase()} - named if command.any_case and len(key) == 1 else set[str]()
                for variant in (key, *other):
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

    def said(self, sentence: str) -> str:
        """A sentence of the rule book (`G goes on, B rolls back`) with the person's own keys for the shipped."""
        return _SAID.sub(lambda match: self._own.get(match[0], match[0]), sentence) if self._own else sentence

    def _changed(self) -> dict[str, str]:
        """Shipped keys, as they are shown, to those that do the same now; not where only some commands moved."""
        now: dict[str, set[str]] = {}
        for command in self.commands:
            if shipped := command.key or next(iter(command.everywhere), ""):
                now.setdefault(shown(shipped), set()).add(self.key_of(command))
        return {old: new for old, keys in now.items() if len(keys) == 1 for new in keys if new not in {"", old}}

    def urgent(self) -> Command | None:
        """The command that outranks everything: halt."""
        return next((command for command in self.commands if command.urgent), None)

    def urgent_keys(self) -> tuple[str, str]:
        """The keys of the urgent command to show: without a text field, and in one."""
        found = self.urgent()
        return (self.key_of(found), self.key_of(found, typing=True)) if found is not None else ("", "")


# -- a person's own keys


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
    from quarterdeck.documents import nodes
    from quarterdeck.documents.strict_yaml import read_tree

    root = read_tree(path)
    if not isinstance(root, nodes.Mapping):
        raise DocumentError("a keymap is a mapping of command ids to keys", where=str(path))
    found: MappingNode = root
    if inner:
        part = root.get(inner)
        if part is None:
            return {}
        if not isinstance(part, nodes.Mapping):
            raise DocumentError(f"`{inner}` is a mapping of command ids to keys", where=f"{path}:{part.line}")
        found = part
    keys: dict[str, tuple[str, ...]] = {}
    for name, (_, value) in found.entries.items():
        if name.startswith("quarterdeck-"):
            continue
        if isinstance(value, nodes.Scalar):
            keys[name] = (value.text,)
        elif isinstance(value, nodes.Sequence) and all(isinstance(item, nodes.Scalar) for item in value.items):
            keys[name] = tuple(item.text for item in value.items if isinstance(item, nodes.Scalar))
        else:
            raise DocumentError(f"{name}: a key, or a list of keys", where=f"{path}:{value.line}")
    return keys


# -- a key press


class Keys:
    """Turns keys into commands of one desk."""

    def __init__(
        self, desk: Desk, keymap: Keymap, show_tab: Callable[[int], None], show_plan: Callable[[], None]
    ) -> None:
        """`show_tab` brings the tab with this number to the front, where there are tabs; `show_plan` the list."""
        self._desk, self._keymap, self._show_tab, self._show_plan = desk, keymap, show_tab, show_plan
        self._last: dict[str, float] = {}
        self._swallow_since: float | None = None
        self._ahead_of = -math.inf
        """When a letter came last that was typed ahead of a refused bar."""
        self._halts: frozenset[str] = frozenset()
        """Those that the screens have turned to the plan for."""
        self._under_way: list[float] = []
        """When each command that still runs was started."""
        self._waiting: list[tuple[str, str | None, float]] = []
        """Keys that came while a command was on its way: to a bar, or to its end."""

    def press(self, key: str, character: str | None, now: float) -> bool:
        """Take a key that no text field took; whether it was ours. `now` is when it was pressed, monotonic."""
        found = self._keymap.find(key, character)
        urgent = next((command for command in found if command.urgent), None)
        if urgent is not None:
            self.run(urgent)
            return True
        if self._swallowed(character, now) or self._typed_ahead(key, character, now):
            return True
        if self._is_modal():
            over = self._keymap.over_text(key)
            if over is None:
                return key not in self._desk.screen.active_bindings and self._say_where(found, character)
            found = [over]
        if not found:
            return self._no_command(character)
        repeats = all(command.of_view and command.id != "open" for command in found)
        before, self._last[key] = self._last.get(key, 0.0), now
        if now - before >= AGAIN or repeats:
            self._first_that_applies(found)
        return True

    def _say_where(self, found: list[Command], character: str | None) -> bool:
        """A key of the session under something that lies over it, and that has no use for the key."""
        over = self._desk.over[:1]
        if not (found and character and character.isprintable() and over and over[0].leads_back):
            return False
        self._desk.say(f"{self._keymap.key_of(found[0])} works in the session: esc goes back to it")
        return True

    def _no_command(self, character: str | None) -> bool:
        """A digit shows a tab; a small letter that does nothing says which capital does."""
        if character and character.isdecimal():
            self._show_tab(int(character))
            return True
        capitals = self._keymap.capital(character)
        if not capitals:
            return False
        best = next((c for c in capitals if not self._refused(c)), capitals[0])
        self._desk.say(f"press capital {self._keymap.key_of(best)} to {best.word or best.title.lower()}")
        return True

    def everywhere(self, key: str) -> bool:
        """Take a key that works with a text field focused; whether it is one."""
        found = self._keymap.over_text(key)
        if found is not None:
            self.run(found)
        return found is not None

    @property
    def is_alone(self) -> bool:
        """Whether nothing is under way beside the command that asks."""
        return len(self._under_way) <= 1

    def urgent(self) -> None:
        """The halt button was pressed."""
        found = self._keymap.urgent()
        if found is not None:
            self.run(found)

    def click(self, key: str) -> None:
        """A key of the footer was clicked; `key` as it is shown there."""
        for command in self._keymap.commands:
            if self._keymap.key_of(command) == key and not self._refused(command):
                self.run(command)
                return

    def run(self, command: Command) -> None:
        """Run one command, or say why not."""
        if command.urgent and not self._refused(command):
            self._desk.halt()
            self.turn_to_plan("halted")
        elif self._is_modal() and command.id in {"palette", "help"}:
            return
        else:
            self._first_that_applies([command])

    def key_of(self, command: str) -> str:
        """The key to show for the command with this id."""
        return self._keymap.key_of(self._keymap.by_id[command])

    def find(self, key: str, character: str | None) -> list[Command]:
        """The commands of a key."""
        return self._keymap.find(key, character)

    def footer(self) -> tuple[tuple[str, str, bool], ...]:
        """The keys that work now: key, label, whether it is consequential, in the order of their places."""
        situation = self._desk.situation
        placed = (c for c in self._keymap.commands if c.place and not c.urgent)
        return tuple(
            (self._keymap.key_of(command), label, not command.of_view and not command.any_case)
            for command in sorted(placed, key=lambda command: command.place)
            if not isinstance(applies(command, situation), No) and (label := command.label(situation))
        )

    def _first_that_applies(self, found: list[Command]) -> None:
        """Of the commands of one key, the one that applies; else why not."""
        because = ""
        for command in found:
            answer = self._refused(command)
            if answer is None:
                self.start(command)
                return
            if answer.relevant or not because:
                because = answer.because
        self._desk.say(f"{self._keymap.key_of(found[0])}: {because}", "warning")

    def start(self, command: Command) -> None:
        """Let a command run beside the screen."""
        began = time.monotonic()
        self._waiting.clear()
        self._under_way.append(began)
        self._desk.beside(self._through(command, began), name=command.id)

    async def _through(self, command: Command, began: float) -> None:
        try:
            await command.run(self._desk)
        finally:
            self._under_way.remove(began)
        self._take_up()

    def _take_up(self) -> None:
        """A key that waited for a command counts when it is through; what was typed ahead of a bar is lost."""
        waiting, self._waiting = self._waiting, []
        if len(waiting) == 1 and not self._is_modal():  # several are a word
            ((key, character, pressed),) = waiting
            if pressed > max(self._desk.asked, self._desk.refused):
                self.press(key, character, pressed)

    def _refused(self, command: Command) -> No | None:
        answer = self._desk.availability(command)
        return answer if isinstance(answer, No) else None

    def _is_modal(self) -> bool:
        return self._desk.screen.is_modal

    def _swallowed(self, character: str | None, now: float) -> bool:
        if self._swallow_since is None:
            return False
        if now - self._swallow_since >= QUIET:
            self._swallow_since = None
            return False
        self._swallow_since = now
        return bool(character and character.isprintable())

    def _typed_ahead(self, key: str, character: str | None, now: float) -> bool:
        """Whether it was typed ahead of a bar that is not there yet, or was refused: that is no row of commands."""
        if self._is_modal() or (key != "enter" and not (character and character.isprintable())):
            return False
        if self._under_way and time.monotonic() - self._under_way[-1] < QUIET:
            self._waiting.append((key, character, now))
            return True
        if now - max(self._desk.refused, self._ahead_of) >= AHEAD:
            return False
        self._ahead_of = now
        return True

    # -- bars that events close

    def close_moot(self) -> None:
        """Close a bar that need not be asked any more; its draft stays. A halt that is new closes all."""
        bar = self._desk.bar
        if bar is None or not bar.is_sent:  # such a bar closes with its answer
            before, self._halts = self._halts, frozenset(self._desk.link.session.live_halts())
            if self._halts - before:
                if self._halts - before - {call.nonce for call in self._desk.link.halts}:
                    self._desk.hush()  # what was said of this console's own halt stays
                self.turn_to_plan("a halt came")
                bar = self._desk.bar
        if bar is None:
            return
        situation = self._desk.situation
        why = bar.form.moot(situation) if bar.form.moot is not None else ""
        if not why and situation.halts() and not bar.form.survives_halt:
            why = "a halt came"
        if why and not bar.is_sent:  # what its own answer brought about closes it with that answer
            self._close(bar, why)

    def turn_to_plan(self, why: str) -> None:
        """A halt: whatever lies over the session is closed, but what a halt does not touch, and the plan is shown."""
        for screen in self._desk.over:
            if screen.survives_halt:
                break
            if screen is self._desk.bar:
                self._close(self._desk.bar, why)
            else:
                screen.finish(None)
        self._show_plan()

    def _close(self, bar: FormBar, why: str) -> None:
        if bar.is_closing:
            return
        kept = ""
        if bar.is_touched():
            self._desk.drafts[bar.form.id] = bar.answers
            kept = "; what you typed is kept"
        if _is_typing(bar.focused):
            self._swallow_since = time.monotonic()
        bar.finish(None)
        self._desk.say(f"Closed: {why}{kept}")


def _is_typing(widget: Widget | None) -> bool:
    return widget is not None and any(kind.__name__ in _TYPING for kind in type(widget).__mro__)
