"""The bar that asks: a form shown at the bottom, over the live screen, which goes on living behind it.

H and F9 halt from here as from everywhere. What is wrong is said beside its field, by the form itself or by whoever
refuses what it was for, and the bar stays. When events make the question moot it closes and its draft stays; letters
are then swallowed for a second, by the app, so that a half-typed reason presses no keys.

Keys may come before it is composed: its fields exist from the beginning.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Static

from quarterdeck.console.forms import Answers, Choice, Field, Form, missing
from quarterdeck.console.panes.halt import keys_of
from quarterdeck.console.screens.modal import Modal, Shown
from quarterdeck.console.terminal.filters import plain
from quarterdeck.console.theme import look_of
from quarterdeck.text import visible

__all__ = ["Choices", "FormBar", "Line"]


_NOT_OURS = frozenset({"ctrl+c"})
"""Says which keys leave and halt, here as everywhere."""
_ACTIONS = {found.key: found.action for found in reversed([*Binding.make_bindings(Input.BINDINGS)])}
"""What an input binds itself; arrows up and down go on to the screen."""


class Line(Input):
    """An input whose own bindings act at once, so that keys count in the order in which they were pressed.

    Textual hands a key that is bound (backspace, delete, Enter) up through every parent before it acts, while
    letters act at once: typed fast, they overtake it. In a word such as ROLLBACK that matters.
    """

    async def on_key(self, event: events.Key) -> None:
        """Act on a bound key now; Textual's input takes every other one."""
        action = _ACTIONS.get(event.key)
        if action is not None and event.key not in _NOT_OURS:
            event.stop()
            event.prevent_default()
            await self.run_action(action)


class Choices(Widget):
    """One of several answers: its key picks it, so do arrows and the mouse."""

    DEFAULT_CSS = "Choices { height: auto; }"
    can_focus = True
    current: reactive[int] = reactive(-1)

    class Picked(Message):
        """An answer was picked by its key, by Enter or by the mouse."""

        def __init__(self, sender: Choices, *, entered: bool) -> None:
            """`sender` is the widget; `entered`: it was picked before, and Enter was pressed."""
            super().__init__()
            self.sender, self.entered = sender, entered

    def __init__(self, field: Field) -> None:
        """`field` has the choices."""
        super().__init__()
        self.field = field
        values = [option.value for option in field.choices]
        self.set_reactive(Choices.current, values.index(field.initial) if field.initial in values else -1)

    @property
    def value(self) -> str:
        """The picked value; empty where none is."""
        return self.field.choices[self.current].value if self.current >= 0 else ""

    def render(self) -> Content:
        """One line each."""
        look = look_of(self.app)
        rows = []
        for number, option in enumerate(self.field.choices):
            sign = look.glyphs.cursor if number == self.current else " "
            detail = f"  {visible(option.detail)}" if option.detail else ""
            row = Content.assemble(
                f"{sign} ", (option.key, "bold $accent"), f"  {visible(option.label)}", (detail, "$muted")
            )
            rows.append(row.stylize("reverse") if number == self.current and self.has_focus else row)
        return Content("\n").join(rows)

    def on_key(self, event: events.Key) -> None:
        """Keys of the choices, arrows, Enter."""
        count = len(self.field.choices)
        if event.key in {"up", "down"}:
            step = 1 if event.key == "down" else -1
            self.current = (self.current + step) % count if self.current >= 0 else 0  # the last may be grave
        elif event.key == "enter":
            if self.current < 0:
                return
            self.post_message(self.Picked(self, entered=True))
        else:
            halts = keys_of(self.app)[0]
            number = next((n for n, option in enumerate(self.field.choices) if _is(option, event, halts)), -1)
            if number < 0:
                return
            self.current = number
            self.post_message(self.Picked(self, entered=False))
        event.stop()

    def on_click(self, event: events.Click) -> None:
        """The line under the mouse."""
        if 0 <= event.y < len(self.field.choices):
            event.stop()
            self.focus()
            self.current = event.y
            self.post_message(self.Picked(self, entered=False))


def _is(option: Choice, event: events.Key, halts: str) -> bool:
    """Whether the key picks this option, in either case; the one that halts picks nothing."""
    pressed = event.character or event.key
    return pressed == option.key or (pressed.lower() == option.key.lower() and pressed != halts)


class FormBar(Modal[Answers | None]):
    """Shows a form; returns its answers, or None where it was left."""

    DEFAULT_CSS = """
    FormBar { background: transparent; align: left bottom; }
    FormBar > #bar { width: 100%; height: auto; max-height: 100%; background: $surface; padding: 0 1;
                 border-top: heavy $accent; }
    FormBar.-change > #bar { border-top: heavy $warning; }
    FormBar.-danger > #bar { border-top: heavy $halt-frame; }
    FormBar #title { text-style: bold; color: $strong; width: 1fr; height: auto; }
    FormBar #large { text-style: bold; color: $ink; background: $warning; height: 3; padding: 1 3;
        width: auto; }
    FormBar.-danger #large { color: $halt-text; background: $halt; }
    FormBar.-compact #large { height: 1; padding: 0 3; }
    FormBar #body { height: auto; }
    FormBar .field { height: auto; padding: 0 0 0 1; }
    FormBar .field:focus-within { border-left: outer $accent; padding: 0; }
    FormBar .label { color: $muted; height: auto; }
    FormBar .field:focus-within .label { color: $strong; text-style: bold; }
    FormBar Line { border: none; height: 1; padding: 0 1; background: $background; }
    FormBar Line:focus { border: none; background: $background; }
    FormBar .wrong { color: $error; height: auto; text-style: bold; display: none; }
    FormBar .wrong.-shown { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False),
        Binding("enter", "submit", "do it", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(
        self,
        form: Form,
        draft: Answers | None = None,
        send: Callable[[Answers], Awaitable[tuple[str, str]]] | None = None,
    ) -> None:
        """`draft`: what was typed when events closed this form the last time.

        `send` does what the form is for, and says what is wrong: which field (empty: the whole), and why; the bar
        closes where nothing is.
        """
        super().__init__()
        self.form = form
        self.survives_halt = form.survives_halt
        self.is_sent = False
        """It was answered, and whether that is taken is not known yet."""
        self.wrong = ("", "")
        """The field that is not right (empty: the whole), and why."""
        self._send = send
        self._draft = draft or {}
        self._body = VerticalScroll(id="body", can_focus=False)
        self._fields = {field.name: self._widget(field) for field in form.fields}
        self._wrongs = {name: Static("", classes="wrong") for name in (*self._fields, "")}
        if form.tone != "plain":
            self.add_class(f"-{form.tone}")

    def compose(self) -> ComposeResult:
        """Title, where, lines, fields, and the bottom line with the halt button."""
        form = self.form
        with Vertical(id="bar"):
            yield Static(plain(form.title), id="title")
            if form.large:
                yield Static(plain(form.large), id="large")
            with self._body:
                if form.lines:
                    yield Static(plain("\n".join(form.lines)))
                for field in form.fields:
                    with Vertical(classes="field"):
                        if field.label:
                            yield Static(plain(field.label), classes="label")
                        yield self._fields[field.name]
                        yield self._wrongs[field.name]
                yield self._wrongs[""]
            yield self.foot()

    def _widget(self, field: Field) -> Input | Choices:
        initial = self._draft.get(field.name, field.initial)
        found: Input | Choices
        if field.kind == "choice":
            found = Choices(field)
            values = [option.value for option in field.choices]
            if initial in values:
                found.set_reactive(Choices.current, values.index(initial))
        else:
            found = Line(value=initial if field.kind != "word" else "", select_on_focus=False)
        return found

    def hints(self) -> Sequence[Shown]:
        """Beside letters, and the keys that stand before each choice."""
        fields = self.form.fields
        moves = [("up down", "move")] if any(field.choices for field in fields) else []
        if len(fields) > 1:
            last = self.focused is [*self._fields.values()][-1]
            moves.append(("tab", "first field" if last else "next field"))
        return ("enter", self.form.confirm), *moves, ("esc", "leave")

    def on_descendant_focus(self) -> None:
        """Tab leads elsewhere from here."""
        self.say_hints()

    def on_mount(self) -> None:
        """Focus the first field; with a draft the first that is empty."""
        self._fit()
        fields = list(self._fields.values())
        empty = [field for field in fields if not field.value] if self._draft else []
        first = next(iter([*empty, *fields]), None)
        if first is not None:
            first.focus()

    def on_resize(self, event: events.Resize) -> None:
        """Another size: what does not fit scrolls, title and bottom line stay."""
        del event
        self._fit()

    def _fit(self) -> None:
        height = self.app.size.height
        self.set_class(height < 30, "-compact")
        around = 6 + (0 if not self.form.large else 1 if height < 30 else 3)
        self._body.styles.max_height = max(2, height - around)

    # -- answers

    @property
    def answers(self) -> Answers:
        """What is filled in now."""
        return {name: widget.value.strip() for name, widget in self._fields.items()}

    def is_touched(self) -> bool:
        """Whether there is anything that a draft should keep."""
        return any(
            isinstance(w, Input) and w.value and f.kind == "text"
            for (f, w) in zip(self.form.fields, self._fields.values(), strict=True)
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field: to the next empty one, else do it."""
        event.stop()
        self._forward(event.input)

    def on_choices_picked(self, event: Choices.Picked) -> None:
        """A pick: to the next empty field, or do it where it was the only question."""
        event.stop()
        if event.entered or not self.form.deliberate or event.sender is not list(self._fields.values())[-1]:
            self._forward(event.sender)

    def _missing(self) -> tuple[str, str]:
        """What is not right yet. A text that is a key of the answers above it was meant for them: it says nothing."""
        for above, asked in pairwise(self.form.fields):
            typed = self.answers[asked.name]
            if asked.kind == "text" and asked.check is None and any(option.key == typed for option in above.choices):
                return asked.name, f"{typed} is the key of an answer above: press up, then {typed}; or say more here"
        return missing(self.form, self.answers)

    def _forward(self, widget: Input | Choices) -> None:
        following = list(self._fields.values())
        following = following[following.index(widget) + 1 :]
        name, wrong = self._missing()
        if not wrong and (isinstance(widget, Input) or self.form.quick or not following):
            self._submit()
        elif following and self._fields.get(name) is not widget:
            following[0].focus()
        else:
            self._complain(name, wrong)

    def action_submit(self) -> None:
        """Do it, where everything is filled in."""
        name, wrong = self._missing()
        if wrong:
            self._complain(name, wrong)
        else:
            self._submit()

    def _submit(self) -> None:
        if self._send is None:
            self.finish(self.answers)
        elif not self.is_sent:
            self.is_sent = True
            self.run_worker(self._sent(self._send, self.answers), name="send")

    async def _sent(self, send: Callable[[Answers], Awaitable[tuple[str, str]]], answers: Answers) -> None:
        try:
            name, wrong = await send(answers)
        finally:
            self.is_sent = False
        if wrong:
            self._complain(name, wrong)
        else:
            self.finish(answers)

    def _complain(self, name: str, wrong: str) -> None:
        self._wrongs[self.wrong[0]].remove_class("-shown")
        self.wrong = (name, wrong)
        line = self._wrongs[name]
        line.update(plain(wrong))
        line.add_class("-shown")
        line.call_after_refresh(line.scroll_visible)
        widget = self._fields.get(name)
        if widget is None:
            return
        widget.focus()
        if isinstance(widget, Input) and any(f.name == name and f.kind == "word" for f in self.form.fields):
            widget.value = ""  # a word is typed again, not mended

    def action_leave(self) -> None:
        """Leave without an answer."""
        self.finish(None)
