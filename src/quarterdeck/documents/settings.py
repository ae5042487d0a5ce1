"""A person's settings: `settings.yaml` in the config folder, strict like every document that a person writes.

Where it lies, and the settings that more than one package needs. A file that is not there costs one look; YAML is
imported only where there is one. The console's own part (`keys`) is read by the console.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quarterdeck.documents.nodes import Node
    from quarterdeck.documents.schema import Context

__all__ = ["KNOWN", "check_settings", "config_folder", "recorder_dir"]

KNOWN = ("quarterdeck-settings", "keys", "recorder_dir")


def config_folder() -> Path:
    """Where a person's settings lie: `QUARTERDECK_CONFIG`, else platformdirs' config folder."""
    own = os.environ.get("QUARTERDECK_CONFIG", "")
    if own:
        return Path(own).expanduser().absolute()
    import platformdirs

    return platformdirs.user_config_path("quarterdeck", appauthor=False)


def recorder_dir(config: Path | None = None) -> Path | None:
    """The folder for flight recorders that the settings name; None where they name none. DocumentError."""
    path = (config or config_folder()) / "settings.yaml"
    if not path.is_file():
        return None
    from quarterdeck.documents.nodes import Mapping, Scalar
    from quarterdeck.documents.problems import document_error
    from quarterdeck.documents.schema import Context
    from quarterdeck.documents.strict_yaml import read_tree

    root = read_tree(path)
    context = Context(str(path), [])
    check_settings(root, context)
    if context.problems:
        raise document_error(str(path), context.problems)
    assert isinstance(root, Mapping)
    named = root.get("recorder_dir")
    return Path(named.text).expanduser() if isinstance(named, Scalar) else None


def check_settings(node: Node, context: Context) -> None:
    """Add what is wrong with a settings document; for `quarterdeck lint` too."""
    from quarterdeck.documents.nodes import Mapping, Scalar
    from quarterdeck.documents.problems import did_you_mean, quote

    if not isinstance(node, Mapping):
        context.error(node, "settings are a mapping that begins with `quarterdeck-settings: 1`")
        return
    for key, (place, value) in node.entries.items():
        if key not in KNOWN:
            context.error(place, f"there is no setting {quote(key)}{did_you_mean(key, KNOWN)}")
        elif key == "quarterdeck-settings" and not (isinstance(value, Scalar) and value.text == "1"):
            context.error(value, "this program reads `quarterdeck-settings: 1`")
        elif key == "recorder_dir" and not (
            isinstance(value, Scalar) and Path(value.text).expanduser().is_absolute()
        ):
            context.error(value, "`recorder_dir` is the whole path of a folder")
    if "quarterdeck-settings" not in node.entries:
        context.error(node, "`quarterdeck-settings: 1` is missing")
