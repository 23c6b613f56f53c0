"""`parked`: looking at what could not be handled, and putting it back, with the broker of the system."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from local_stack import background, embedded
from local_stack.errors import LocalStackError
from local_stack.state import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_stack.state import State


def locally(state: State, arguments: Sequence[str]) -> int:
    """Run the command against the broker of this folder; its exit status."""
    if not background.is_running(state):
        raise LocalStackError("nothing is running: `make up` starts it")
    environment = {**os.environ, "AMQP_URL": embedded.servers(state, os.environ).amqp_url}
    command = [sys.executable, "-m", "shared.parked", *arguments_or_all(arguments)]
    return subprocess.run(command, env=environment, check=False).returncode


def arguments_or_all(arguments: Sequence[str]) -> list[str]:
    """What was asked for; without anything a list of what is parked in every queue of the AsyncAPI document."""
    if arguments:
        return list(arguments)
    document = json.loads((REPOSITORY / "docs" / "asyncapi.json").read_text())
    receives = (each for each in document["operations"].values() if each["action"] == "receive")
    return ["list", *sorted(each["channel"]["$ref"].removeprefix("#/channels/") for each in receives)]
