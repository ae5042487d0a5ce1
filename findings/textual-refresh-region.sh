#!/usr/bin/env bash
# Textual 8.2.8: a widget that has changed is not painted if, in the same moment, a region of its screen is refreshed.
#
# `Widget.update` puts the widget on the screen's list of dirty widgets. `Screen.refresh(region)` with a region of
# another widget then empties that list, before anything of it was painted: the terminal keeps the old text, for good,
# while the widget holds the new one. The control, without the refresh, paints the new text.
# A modal's background takes this way whenever something below the modal changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check textual==8.2.8
cat >"$work/try.py" <<'PY'
import asyncio

from textual.app import App
from textual.geometry import Region
from textual.widgets import Static


class Two(App):
    def compose(self):
        yield Static("old", id="one")
        yield Static("below")


async def painted(also_a_region):
    app, texts = Two(), []
    async with app.run_test(size=(20, 4)) as pilot:
        await pilot.pause()
        display = app._display

        def note(screen, update):
            strips = [strip for line in getattr(update, "chops", []) for strip in line.values() if strip is not None]
            texts.extend(strip.text.strip() for strip in strips if strip.text.strip())
            display(screen, update)

        app._display = note
        app.query_one("#one", Static).update("new", layout=False)
        await asyncio.sleep(0)
        if also_a_region:
            app.screen.refresh(Region(0, 3, 5, 1))
        for _ in range(20):
            await pilot.pause()
    return texts


for also_a_region in (False, True):
    print("with a region refreshed:" if also_a_region else "alone:", asyncio.run(painted(also_a_region)))
PY
cat >"$work/seen" <<'TEXT'
alone: ['new']
with a region refreshed: []
TEXT
"$work/venv/bin/python" "$work/try.py" | tee "$work/now"
cmp -s "$work/seen" "$work/now" || { echo "changed: it was"; cat "$work/seen"; exit 1; }
echo "as seen"
