"""A console on a Textual in which one private name is called otherwise: `python renamed.py NAME`.

The name is changed in all of Textual's sources, as a release would do it; so Textual works, and what used the name by
itself does not find it. Prints what the console says is missing, then the state in which a short night ended.
"""

from __future__ import annotations

import asyncio
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

HERE = Path(__file__).parent


class Renaming(importlib.machinery.SourceFileLoader):
    """Loads a module with the name changed."""

    name_: str
    """The name that is there no more."""

    def source_to_code(self, data: bytes, path: str, **more: int) -> CodeType:  # type: ignore[override]
        changed = re.sub(rb"\b%s\b" % self.name_.encode(), self.name_.encode() + b"_2", data)
        return super().source_to_code(changed, path, **more)

    def get_code(self, fullname: str) -> CodeType:
        """Never from a cache, which holds the name."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class Finder(importlib.machinery.PathFinder):
    """Finds Textual's modules, by their changed names too."""

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] != "textual":
            return None
        name = Renaming.name_
        if fullname.endswith(f".{name}"):
            return None  # the module of this name is gone
        real = fullname.removesuffix("_2") if fullname.endswith(f".{name}_2") else fullname
        found = super().find_spec(real, path, target)
        if found is None or found.origin is None:
            return found
        loader = Renaming(fullname, found.origin)
        return importlib.util.spec_from_file_location(
            fullname, found.origin, loader=loader, submodule_search_locations=found.submodule_search_locations
        )


async def night() -> None:
    """Start a step, halt, roll back from a bar; look at what is on the screen."""
    from hands_helm import helm

    from quarterdeck.console import terminal
    from quarterdeck.session import intents

    async with helm(intents.StartSession(), intents.StartStep(step="announce")) as at:
        sys.stdout.write(f"missing: {'; '.join(terminal.missing)}\n")
        await at.press("D", "down", "S")
        assert at.title == "Start 2 Copy the table", at.title
        await at.press("enter")
        at.station.ends("copy")
        await at.settle()
        await at.press("n")
        await at.write("a note")
        await at.press("H", "B")
        await at.write("because")
        await at.write("ROLLBACK")
        await at.press("A", "enter")
        assert at.step("uncopy") == "running"
        assert "Remove the copy" in at.app.export_screenshot().replace("&#160;", " ")
        sys.stdout.write(f"shown: {at.state}\n")


if __name__ == "__main__":
    Renaming.name_ = sys.argv[1]
    sys.meta_path.insert(0, Finder())
    sys.path[:0] = [str(HERE), str(HERE.parent / "kits")]
    asyncio.run(night())
