"""How the screen looks: the palettes, and the one call that dresses an app in one.

A palette names roles (`ok`, `muted`, `cursor`), panes ask for roles and never for colours. `dress` registers it as a
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
    "frame_of",
    "look_of",
    "wants_ascii",
    "wants_no_color",
]


class Palette(Struct, frozen=True):
    """Colours by role, as `#rrggbb`; what a state needs beside its sign and its word."""

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


NIGHT = Palette(
    name="night",
    background="#0e141b",
    raised="#18212b",
    text="#c5d0dc",
    strong="#f0f5fa",
    muted="#8393a5",
    faint="#506070",
    frame="#2f3e4e",
    title="#8fb8de",
    accent="#6cb2f5",
    ok="#7fcf8f",
    warn="#f0b95c",
    critical="#ff7070",
    unknown="#c3a0f0",
    running="#6cd0e8",
    cursor="#22303e",
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
    faint="#b0b0b0",
    frame="#ffffff",
    title="#ffffff",
    accent="#66ccff",
    ok="#5cff7a",
    warn="#ffd800",
    critical="#ff6a6a",
    unknown="#ff9cff",
    running="#00f0ff",
    cursor="#003c78",
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
    muted="#8f9dad",
    faint="#566575",
    frame="#33414f",
    title="#9ec9ea",
    accent="#56b4e9",
    ok="#56b4e9",
    warn="#f0e442",
    critical="#f07830",
    unknown="#d898c0",
    running="#ffffff",
    cursor="#22303e",
    halt="#b84a00",
    halt_text="#ffffff",
    halt_frame="#f07830",
    rollback="#d898c0",
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

_PALETTES = {palette.name: palette for palette in (NIGHT, CONTRAST, SAFE, MONO)}

NAMES = tuple(_PALETTES)
"""Themes that can be asked for: `night`, `contrast`, `safe` (colour-blind-safe), `mono`."""


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
    "text": Style.null(), "strong": Style(bold=True), "muted": Style(dim=True), "faint": Style(dim=True),
    "title": Style.null(), "accent": Style(bold=True), "key": Style(bold=True, underline=True),
    "key-strong": Style(bold=True, underline=True), "ok": Style.null(), "warn": Style(bold=True),
    "critical": Style(bold=True, reverse=True), "unknown": Style(underline=True), "running": Style(bold=True),
    "rollback": Style(bold=True), "code": Style.null(), "frame": Style(dim=True), "cursor": Style(reverse=True),
    "bold": Style(bold=True), "italic": Style(italic=True), "strike": Style(strike=True), "raised": Style.null(),
    "halt": Style(bold=True, reverse=True), "badge-ok": Style(bold=True, reverse=True),
    "badge-calm": Style(bold=True, reverse=True), "badge-warn": Style(bold=True, reverse=True),
    "badge-rollback": Style(bold=True, reverse=True), "badge-grey": Style(reverse=True),
}  # fmt: skip

_DEFAULT = Look(NIGHT, UNICODE)


def look_of(app: object) -> Look:
    """The look that this app wears; `night` where nobody dressed it."""
    found = getattr(app, "look", None)
    return found if isinstance(found, Look) else _DEFAULT


def wants_no_color(environment: Mapping[str, str]) -> bool:
    """NO_COLOR, set to anything but nothing (no-color.org)."""
    return bool(environment.get("NO_COLOR"))


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
            variables={
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
            },
        )
    )
    app.theme = f"quarterdeck-{name}"
    return look
