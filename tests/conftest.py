"""What holds for every test: nobody's own settings reach it."""

from __future__ import annotations

import os
import tempfile

os.environ["QUARTERDECK_CONFIG"] = tempfile.mkdtemp(prefix="qd-config-")
