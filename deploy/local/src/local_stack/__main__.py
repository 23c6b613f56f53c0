"""`python -m local_stack`: the commands behind the Makefile."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from local_stack import server_commands
from local_stack.errors import LocalStackError
from local_stack.state import State


def main(arguments: list[str] | None = None) -> int:
    """Run one command; an error a person can act upon is one line, and the status is 1."""
    parser = argparse.ArgumentParser(prog="local_stack")
    commands = parser.add_subparsers(dest="command", required=True)
    servers = commands.add_parser("servers", help="the embedded servers alone, for tests")
    servers.add_argument("action", choices=["up", "down", "env"])
    servers.add_argument("--state", type=Path)
    chosen = parser.parse_args(arguments)
    state = State.at(chosen.state)
    try:
        {"up": server_commands.up, "down": server_commands.down, "env": server_commands.env}[chosen.action](state)
    except LocalStackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
