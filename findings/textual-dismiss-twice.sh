#!/usr/bin/env bash
# Textual 8.2.8: a modal that is dismissed a second time, when it is gone, takes the modal below it away, unanswered.
#
# `Screen.dismiss` pops whatever is on top. A late answer (a second Enter, a timer, an event that closes a question
# which a person has just answered) so closes another question: its callback is never called, and whoever waits with
# `push_screen_wait` waits for ever. No error is raised.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check textual==8.2.8
cat >"$work/try.py" <<'PY'
import asyncio

from textual.app import App
from textual.screen import ModalScreen


async def main():
    app = App()
    async with app.run_test() as pilot:
        below, above = ModalScreen(name="below"), ModalScreen(name="above")
        for screen in (below, above):
            await app.push_screen(screen, lambda answer, screen=screen: print(f"{screen.name} answered: {answer}"))
        await pilot.pause()
        for answer in ("yes", "no"):
            above.dismiss(answer)
            await pilot.pause()
            print("open:", [screen.name for screen in app.screen_stack[1:]])


asyncio.run(main())
PY
cat >"$work/seen" <<'TEXT'
above answered: yes
open: ['below']
open: []
TEXT
"$work/venv/bin/python" "$work/try.py" | tee "$work/now"
cmp -s "$work/seen" "$work/now" || { echo "changed: it was"; cat "$work/seen"; exit 1; }
echo "as seen"
