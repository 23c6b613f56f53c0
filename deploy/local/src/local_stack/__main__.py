"""`python -m local_stack`: the commands behind the Makefile."""

from __future__ import annotations

import sys

from local_stack.command_line import main

if __name__ == "__main__":
    sys.exit(main())
