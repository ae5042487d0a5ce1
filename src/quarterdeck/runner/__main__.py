"""Entry of the shim: `python -m quarterdeck.runner SPEC.json`."""

from __future__ import annotations

import sys

from quarterdeck.runner.supervise import main

sys.exit(main(sys.argv[1:]))
