"""What a supervisor can run: each plan makes the table of programs from the state and the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_stack import embedded
from local_stack.system import system_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_stack.program import Program
    from local_stack.state import State


def servers_plan(state: State, environment: Mapping[str, str]) -> list[Program]:
    """The embedded servers alone, for tests."""
    return embedded.programs(state, environment, durable=False)


PLANS: dict[str, Callable[[State, Mapping[str, str]], list[Program]]] = {
    "servers": servers_plan,
    "system": system_plan,
}
