"""`servers up|down|env`: the embedded servers alone, for tests."""

from __future__ import annotations

import os
import shlex
import sys
import time
from typing import TYPE_CHECKING

from local_stack import background, control, embedded
from local_stack.errors import LocalStackError

if TYPE_CHECKING:
    from local_stack.state import State

_DEADLINE = 120.0


def up(state: State) -> None:
    """Start the servers and wait for them; quick when they run."""
    begun = time.monotonic()
    launched = None
    with state.lock():
        if background.is_running(state):
            plan = control.facts_of(state).get("plan")
            if plan != "servers":
                raise LocalStackError(f"{state.root} runs the plan {plan!r}: run `make down` first")
        else:
            background.shut_down(state)
            embedded.prepare(state, os.environ, _say)
            launched = background.launch(state, "servers")
        background.wait_until_ready(
            state, _DEADLINE, lambda name, seconds: _say(f"{name} ready after {seconds:.1f} s"), launched
        )
    _say(f"servers ready in {time.monotonic() - begun:.1f} s ({state.root})")


def down(state: State) -> None:
    """Stop the servers and keep their data."""
    with state.lock():
        _say("servers stopped" if background.shut_down(state) else "no servers ran")


def env(state: State) -> None:
    """Print where the servers are, as lines `NAME=value` for a shell."""
    if not background.is_running(state):
        raise LocalStackError(f"no servers run on {state.root}: start them with `servers up`")
    for name, value in embedded.servers(state, os.environ).variables().items():
        print(f"{name}={shlex.quote(value)}")


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
