"""How the screen looks: the palettes, and the one call that dresses an app in one.

A palette names roles (`ok`, `muted`, `cursor`), panes ask for roles and never for colours. Text has 4.5:1 against
what it stands on, in the selected row too, and frames have 3:1 (WCAG 2.2, 1.4.3 and 1.4.11), in 256 colours as well:
a terminal over ssh often says no more. `tests/console/test_contrast.py` measures it. `dress` registers it as a
Textual theme too, so that CSS of modals can use `$halt`, `$rollback`, `$frame` and the usual names. Nothing blinks.
Decide NO_COLOR before `App.__init__`, since Textual takes it out of the environment there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from rich.style import Style

from quarterdeck.console.glyphs import ASCII, UNICODE, Glyphs

if TYPE_CHECKING:
    from textual.app import App
    from textual.filter import LineFilter

__all__ = [
    "NAMES",
    "NIGHT",
    "Look",
    "Palette",
    "dress",
    "filters",
    "fitting",
    "frame_of",
    "look_of",
    "wants_ascii",
    "wants_no_color",
]


class Palette(Struct, frozen=True):
    """Colours by role, as Textual writes them; what a state needs beside its sign and its word."""

    name: str
    background: str
    raised: str
    """Of bars and modals."""
    text: str
    strong: str
    muted: str
    faint: str
    frame: str
    title: str
    accent: str
    ok: str
    warn: str
    critical: str
    unknown: str
    running: str
    cursor: str
    """Background of the selected row."""
    halt: str
    """Background of the halt button and of everything halted."""
    halt_text: str
    halt_frame: str
    rollback: str
    rollback_ink: str
    """Text on `rollback`."""
    ink: str
    """Text on bright backgrounds (`ok`, `warn`, `accent`)."""
    plain_dim: bool = False
    """Muted text is not dimmed (high contrast)."""
    colours: bool = True
    """False: only bold, reverse, underline and dim tell roles apart."""
    own: bool = True
    """False: the terminal's own 16 colours on its own background, whatever those are."""


NIGHT = Palette(
    name="night",
    background="#0e141b",
    raised="#18212b",
    text="#c5d0dc",
    strong="#f0f5fa",
    muted="#a3b1bf",
    faint="#96a2ae",
    frame="#616e7b",
    title="#8fb8de",
    accent="#6cb2f5",
    ok="#7fcf8f",
    warn="#f0b95c",
    critical="#ff7c7c",
    unknown="#c3a0f0",
    running="#6cd0e8",
    cursor="#2b3138",
    halt="#c02834",
    halt_text="#ffffff",
    halt_frame="#e5484d",
    rollback="#b694f4",
    rollback_ink="#160d26",
    ink="#0b1118",
)

CONTRAST = Palette(
    name="contrast",
    background="#000000",
    raised="#1c1c1c",
    text="#ffffff",
    strong="#ffffff",
    muted="#d8d8d8",
    faint="#c0c0c0",
    frame="#ffffff",
    title="#ffffff",
    accent="#66ccff",
    ok="#5cff7a",
    warn="#ffd800",
    critical="#ff8c8c",
    unknown="#ff9cff",
    running="#00f0ff",
    cursor="#3a3a3a",
    halt="#d80000",
    halt_text="#ffffff",
    halt_frame="#ff4040",
    rollback="#e0b0ff",
    rollback_ink="#000000",
    ink="#000000",
    plain_dim=True,
)

SAFE = Palette(
    name="safe",
    background="#0e141b",
    raised="#18212b",
    text="#ccd5df",
    strong="#f4f8fc",
    muted="#a3b1bf",
    faint="#96a2ae",
    frame="#616e7b",
    title="#9ec9ea",
    accent="#56b4e9",
    ok="#60b0f0",
    warn="#f0e442",
    critical="#f07830",
    unknown="#e080b0",
    running="#ffffff",
    cursor="#2b3138",
    halt="#b84a00",
    halt_text="#ffffff",
    halt_frame="#f07830",
    rollback="#e080b0",
    rollback_ink="#1e0a16",
    ink="#0b1118",
)
"""After Okabe and Ito: blue, yellow, orange and pink stay apart for every kind of colour vision."""

MONO = Palette(
    name="mono",
    background="#000000",
    raised="#000000",
    text="#c0c0c0",
    strong="#ffffff",
    muted="#909090",
    faint="#707070",
    frame="#808080",
    title="#c0c0c0",
    accent="#ffffff",
    ok="#c0c0c0",
    warn="#ffffff",
    critical="#ffffff",
    unknown="#c0c0c0",
    running="#ffffff",
    cursor="#000000",
    halt="#000000",
    halt_text="#ffffff",
    halt_frame="#ffffff",
    rollback="#ffffff",
    rollback_ink="#000000",
    ink="#000000",
    colours=False,
)
"""NO_COLOR: the values only matter to Textual; `ColourlessFilter` takes them all out."""

TERMINAL = Palette(
    name="terminal",
    background="ansi_default",
    raised="ansi_default",
    text="ansi_default",
    strong="ansi_default",
    muted="ansi_default",
    faint="ansi_default",
    frame="ansi_default",
    title="ansi_default",
    accent="ansi_default",
    ok="ansi_default",
    warn="ansi_yellow",
    critical="ansi_default",
    unknown="ansi_default",
    running="ansi_default",
    cursor="ansi_default",
    halt="ansi_red",
    halt_text="ansi_bright_white",
    halt_frame="ansi_default",
    rollback="ansi_default",
    rollback_ink="ansi_default",
    ink="ansi_black",
    own=False,
)
"""The terminal's own colours, dark on light or light on dark: its own text on its own background, and for what must
not be missed a pair of its 16 of which neither is the background. No other colour is readable on both."""

_PALETTES = {palette.name: palette for palette in (NIGHT, CONTRAST, SAFE, TERMINAL, MONO)}

NAMES = tuple(_PALETTES)
"""Themes that can be asked for: `night`, `contrast`, `safe` (colour-blind-safe), `terminal` (its own 16 colours),
`mono`."""


class Look(Struct):
    """A palette with a set of signs, ready for painting: role names to styles."""

    palette: Palette
    glyphs: Glyphs
    _styles: dict[str, Style] = {}

    def style(self, role: str) -> Style:
        """The style of a role; several are joined by `+` (`muted+cursor`). Raises `KeyError` for no role of ours."""
        found = self._styles.get(role)
        if found is None:
            roles = _roles(self.palette)
            found = Style.combine(roles[part] for part in role.split("+")) if role else Style.null()
            self._styles[role] = found
        return found


@lru_cache(8)
def _roles(palette: Palette) -> Mapping[str, Style]:
    """Every role's style, made once for each palette."""
    if not palette.colours:
        return _MONO_ROLES
    if not palette.own:
        return _TERMINAL_ROLES
    p = palette
    dim = p.muted if not p.plain_dim else p.text
    return {
        "text": Style(color=p.text),
        "strong": Style(color=p.strong, bold=True),
        "muted": Style(color=dim),
        "faint": Style(color=p.faint),
        "title": Style(color=p.title),
        "accent": Style(color=p.accent),
        "key": Style(color=p.accent, bold=True),
        "key-strong": Style(color=p.warn, bold=True),
        "ok": Style(color=p.ok),
        "warn": Style(color=p.warn),
        "critical": Style(color=p.critical, bold=True),
        "unknown": Style(color=p.unknown),
        "running": Style(color=p.running, bold=True),
        "rollback": Style(color=p.rollback),
        "code": Style(color=p.running),
        "frame": Style(color=p.frame),
        "cursor": Style(bgcolor=p.cursor),
        "bold": Style(bold=True),
        "italic": Style(italic=True),
        "strike": Style(strike=True),
        "raised": Style(bgcolor=p.raised),
        "halt": Style(color=p.halt_text, bgcolor=p.halt, bold=True),
        "badge-ok": Style(color=p.ink, bgcolor=p.ok, bold=True),
        "badge-calm": Style(color=p.ink, bgcolor=p.accent, bold=True),
        "badge-warn": Style(color=p.ink, bgcolor=p.warn, bold=True),
        "badge-rollback": Style(color=p.rollback_ink, bgcolor=p.rollback, bold=True),
        "badge-grey": Style(color=p.strong, bgcolor=p.frame if not p.plain_dim else "#444444", bold=True),
    }


_MONO_ROLES = {
    "text": Style.null(), "strong": Style(bold=True), "muted": Style.null(), "faint": Style.null(),
    "title": Style.null(), "accent": Style(bold=True), "key": Style(bold=True, underline=True),
    "key-strong": Style(bold=True, underline=True), "ok": Style.null(), "warn": Style(bold=True),
    "critical": Style(bold=True, reverse=True), "unknown": Style(underline=True), "running": Style(bold=True),
    "rollback": Style(bold=True), "code": Style.null(), "frame": Style(dim=True), "cursor": Style(reverse=True),
    "bold": Style(bold=True), "italic": Style(italic=True), "strike": Style(strike=True), "raised": Style.null(),
    "halt": Style(bold=True, reverse=True), "badge-ok": Style(bold=True, reverse=True),
    "badge-calm": Style(bold=True, reverse=True), "badge-warn": Style(bold=True, reverse=True),
    "badge-rollback": Style(bold=True, reverse=True), "badge-grey": Style(reverse=True),
}  # fmt: skip

_RED = Style(color="bright_white", bgcolor="red", bold=True)
_YELLOW = Style(color="black", bgcolor="yellow")
_TERMINAL_ROLES = _MONO_ROLES | {
    "key-strong": _YELLOW, "warn": _YELLOW, "critical": _RED,
    "unknown": Style(color="bright_white", bgcolor="magenta"), "halt": _RED,
    "badge-warn": _YELLOW, "badge-rollback": Style(color="bright_white", bgcolor="magenta", bold=True),
}  # fmt: skip

_ANSI = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "input-selection-foreground": "ansi_black",
}
"""What Textual 8.2 asks of a theme in the terminal's colours and does not make itself, or makes unreadable."""

_DEFAULT = Look(NIGHT, UNICODE)


def look_of(app: object) -> Look:
    """The look that this app wears; `night` where nobody dressed it."""
    found = getattr(app, "look", None)
    return found if isinstance(found, Look) else _DEFAULT


def wants_no_color(environment: Mapping[str, str]) -> bool:
    """NO_COLOR, set to anything but nothing (no-color.org)."""
    return bool(environment.get("NO_COLOR"))


def fitting(colour_system: str | None, terminal: str) -> str:
    """The theme for a terminal of which nobody said how it should look.

    `colour_system` is Rich's word for the colours that will be sent, `terminal` the name in TERM. In 16 colours the
    others would lose their greys: frames, muted text and the selected row would be black on black.
    """
    if colour_system is None or terminal.startswith("vt"):
        return "mono"
    return "terminal" if colour_system == "standard" else "night"


def wants_ascii(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal is a poor one: no UTF-8 in the locale, the Linux console, or asked for."""
    if environment.get("QUARTERDECK_ASCII"):
        return True
    if environment.get("TERM", "") in {"linux", "dumb", "vt100", "vt220"}:
        return True
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or "UTF-8"
    return locale in {"C", "POSIX"} or ("." in locale and "utf" not in locale.lower())


def filters(look: Look) -> list[LineFilter]:
    """The line filters that `App.get_line_filters` has to return beside Textual's own: the last wall, NO_COLOR."""
    return list(_wall(colours=look.palette.colours))


@lru_cache(maxsize=2)
def _wall(*, colours: bool) -> tuple[LineFilter, ...]:
    """The same filters each time: Textual remembers what a filter made of a line, by the filter."""
    from quarterdeck.console.terminal.filters import ColourlessFilter, SanitisingFilter

    return (SanitisingFilter(),) if colours else (SanitisingFilter(), ColourlessFilter())


def frame_of(palette: Palette, state: str) -> str:
    """Colour of the whole screen's frames in this state of the session: it changes on halt and on rollback."""
    if not palette.own:
        return palette.frame  # its title would stand in the same colour on who knows what
    match state:
        case "halting" | "halted":
            return palette.halt_frame
        case "rolling_back" | "rollback_paused":
            return palette.rollback
        case "paused" | "contingency":
            return palette.warn
        case _:
            return palette.frame


def dress(app: App[Any], name: str = "night", *, ascii_glyphs: bool = False) -> Look:
    """Dress the app: call it in `App.__init__` (after `super().__init__()`), or later to change the look.

    Sets `app.look` and `app.theme`. Raises `KeyError` for a name that is not in `NAMES`.
    """
    from textual.theme import Theme

    palette = _PALETTES[name]
    look = Look(palette, ASCII if ascii_glyphs else UNICODE)
    app.look = look  # type: ignore[attr-defined]  # `look_of` reads it; an app needs no base class for it
    app.register_theme(
        Theme(
            name=f"quarterdeck-{name}",
            primary=palette.accent,
            secondary=palette.title,
            warning=palette.warn,
            error=palette.critical,
            success=palette.ok,
            accent=palette.accent,
            foreground=palette.text,
            background=palette.background,
            surface=palette.raised,
            panel=palette.raised,
            dark=True,
            ansi=not palette.own,
            variables={
                "ink": palette.ink,
                "halt": palette.halt,
                "halt-text": palette.halt_text,
                "halt-frame": palette.halt_frame,
                "rollback": palette.rollback,
                "frame": palette.frame,
                "muted": palette.muted,
                "strong": palette.strong,
                "scrollbar": palette.frame,
                "scrollbar-background": palette.background,
                "scrollbar-hover": palette.muted,
                "scrollbar-active": palette.accent,
                "scrollbar-background-hover": palette.background,
                "scrollbar-background-active": palette.background,
                "scrollbar-corner-color": palette.background,
            }
            | ({} if palette.own else _ANSI),
        )
    )
    app.theme = f"quarterdeck-{name}"
    return look
