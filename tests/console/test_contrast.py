"""Every theme can be read, by everybody: contrast, colour vision, few colours. Measured, not looked at."""

from __future__ import annotations

from itertools import combinations

import pytest
from hands_helm import helm
from rich.color import Color, ColorSystem, ColorType
from rich.style import Style

from quarterdeck.console import theme
from quarterdeck.console.app import Look
from quarterdeck.console.glyphs import ASCII, UNICODE, Glyphs
from quarterdeck.console.theme import NAMES, Palette
from quarterdeck.session import intents

Rgb = tuple[float, float, float]

KNOWN = [palette for palette in theme._PALETTES.values() if palette.colours and palette.own]
"""Themes whose colours we choose, on a background that we choose."""

SYSTEMS = [ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT]

TEXT, FRAME = 4.5, 3.0
"""WCAG 2.2, 1.4.3 and 1.4.11."""

DRAWN = {"frame"}
"""Roles that only draw."""


def linear(rgb: Rgb) -> Rgb:
    """sRGB, 0 to 255, as light (IEC 61966-2-1)."""
    parts = [part / 255 for part in rgb]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def luminance(rgb: Rgb) -> float:
    red, green, blue = linear(rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """WCAG 2.2: 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def shown(colour: Color | str | None, system: ColorSystem) -> Rgb:
    """What a terminal with so many colours shows for it, as Rich translates it."""
    assert colour is not None
    found = Color.parse(colour) if isinstance(colour, str) else colour
    return found.downgrade(system).get_truecolor()


def test_black_on_white_is_twenty_one() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("system", SYSTEMS, ids=["true colour", "256 colours"])
@pytest.mark.parametrize("palette", KNOWN, ids=[palette.name for palette in KNOWN])
def test_text_has_enough_contrast_on_all_that_it_stands_on_and_frames_as_well(
    palette: Palette, system: ColorSystem
) -> None:
    faint: list[str] = []
    for role, style in theme._roles(palette).items():
        stands_on = [style.bgcolor] if style.bgcolor else [palette.background, palette.raised, palette.cursor]
        for ground in stands_on[:2] if role in DRAWN else stands_on:
            found = contrast(shown(style.color or palette.text, system), shown(ground, system))
            if found < (FRAME if role in DRAWN else TEXT):
                faint.append(f"{role} on {ground}: {found:.1f}")
    for state in ("running", "halted", "rolling_back", "paused"):
        found = contrast(shown(theme.frame_of(palette, state), system), shown(palette.background, system))
        faint += [f"frame, {state}: {found:.1f}"] if found < FRAME else []
    assert not faint


@pytest.mark.parametrize("palette", KNOWN, ids=[palette.name for palette in KNOWN])
def test_the_selected_row_stands_out_from_the_others_in_256_colours_too(palette: Palette) -> None:
    for system in SYSTEMS:
        assert contrast(shown(palette.cursor, system), shown(palette.background, system)) > 1.35


# -- the terminal's own colours

TERMINALS = {
    "xterm": "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 ffffff",
    "linux": "000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa ffffff",
    "GNOME": "2e3436 cc0000 4e9a06 c4a000 3465a4 75507b 06989a d3d7cf eeeeec",
    "Windows": "0c0c0c c50f1f 13a10e c19c00 0037da 881798 3a96dd cccccc f2f2f2",
    "macOS": "000000 990000 00a600 999900 0000b2 b200b2 00a6b2 bfbfbf e5e5e5",
    "Solarized": "073642 dc322f 859900 b58900 268bd2 d33682 2aa198 eee8d5 fdf6e3",
}
"""Colours 0 to 7, and 15, as they come with these terminals (Wikipedia, "ANSI escape code", 3-bit and 4-bit; GNOME's
is Tango; Solarized by its author's table)."""


@pytest.mark.parametrize("terminal", TERMINALS)
def test_pairs_of_the_terminals_own_colours_can_be_read_in_every_terminal(terminal: str) -> None:
    numbers = (*range(8), 15)
    values = dict(zip(numbers, TERMINALS[terminal].split(), strict=True))
    for role, style in theme._TERMINAL_ROLES.items():
        assert (style.color is None) == (style.bgcolor is None), f"{role}: nothing is known of the other one"
        if style.color is None or style.bgcolor is None:
            continue
        numbered = [colour.number for colour in (style.color, style.bgcolor)]
        one, other = (shown(f"#{values[number]}", ColorSystem.TRUECOLOR) for number in numbered if number is not None)
        assert contrast(one, other) >= 3.9, role  # Solarized's own text has 4.1


@pytest.mark.parametrize(
    ("system", "terminal", "fitting"),
    [
        ("truecolor", "xterm-256color", "night"),
        ("256", "xterm-256color", "night"),
        ("standard", "xterm", "terminal"),
        ("standard", "linux", "terminal"),
        ("standard", "vt220", "mono"),
        (None, "dumb", "mono"),
    ],
)
def test_a_terminal_gets_the_theme_that_it_can_show(system: str | None, terminal: str, fitting: str) -> None:
    assert theme.fitting(system, terminal) == fitting


async def test_in_the_terminals_own_colours_no_other_is_sent_from_any_screen() -> None:
    async with helm(intents.StartSession(), look=Look(theme="terminal"), size=(80, 24)) as at:
        at.app.desk.say("Something is not so", "error")
        for key in (
            "",
            "S",
            "escape",
            "n",
            "x",
            "escape",
            "?",
            "escape",
            "ctrl+p",
            "a",
            "escape",
            "m",
            "escape",
            "H",
        ):
            if key:
                await at.press(key)
            await at.settle()
            for strip in at.screen._compositor.render_strips():
                for text, style, _ in strip:
                    colours = (style.color, style.bgcolor) if style else ()
                    for colour in colours:
                        assert colour is None or colour.type in {ColorType.DEFAULT, ColorType.STANDARD}, (key, text)


# -- colour vision

VISION = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
"""Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009:
severity 1.0, for linear RGB."""


def lab(rgb: Rgb, vision: str = "") -> Rgb:
    """CIE L*a*b* (D65) of what these eyes see."""
    light = linear(rgb)
    if vision:
        rows = VISION[vision]
        red, green, blue = (min(1.0, max(0.0, sum(a * b for a, b in zip(row, light, strict=True)))) for row in rows)
        light = (red, green, blue)
    red, green, blue = light
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def apart(one: Rgb, other: Rgb, vision: str) -> float:
    """CIE 1976 difference; about 2.3 is just noticeable, 20 and more are two colours at a glance."""
    pairs = zip(lab(one, vision), lab(other, vision), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs) ** 0.5)


STATES = ("ok", "warn", "critical", "unknown", "running")


@pytest.mark.parametrize("vision", ["", *VISION])
def test_in_the_colour_blind_safe_theme_states_are_apart_for_every_colour_vision(vision: str) -> None:
    for system in SYSTEMS:
        for one, other in combinations(STATES, 2):
            first, second = (shown(getattr(theme.SAFE, role), system) for role in (one, other))
            assert apart(first, second, vision) >= 20, (one, other)


def test_the_measure_tells_that_red_and_green_are_alike_to_a_colour_blind_eye() -> None:
    red, green = (200.0, 60.0, 40.0), (110.0, 110.0, 30.0)
    assert apart(red, green, "") > 60
    assert apart(red, green, "deuteranopia") < 25


@pytest.mark.parametrize("signs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_status_of_a_target_has_a_sign_of_its_own(signs: Glyphs) -> None:
    assert len(set(signs.status.values())) == len(signs.status)


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_dimmed_and_what_is_bad_or_selected_looks_unlike_plain_text(name: str) -> None:
    roles = theme._roles(theme._PALETTES[name])
    assert {role for role, style in roles.items() if style.dim} <= DRAWN, "how dim it is, each terminal decides"
    for role in ("warn", "critical", "unknown", "halt", "cursor"):
        assert roles[role] not in {Style.null(), roles["text"]}
