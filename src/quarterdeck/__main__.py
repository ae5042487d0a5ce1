"""`python -m quarterdeck`: the command line."""

import sys

from quarterdeck.cli import main

sys.exit(main())
