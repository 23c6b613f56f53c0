"""`deploy` where the system runs as containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_stack.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_stack.state import State


def deploy(state: State, names: Sequence[str], *, ready: float, watch: float) -> int:
    """Not yet."""
    raise LocalStackError(f"deploy of {names} in {state.root}: with local processes only, so far ({ready}, {watch})")
