"""A deploy's last look at the new process: one that was late is asked again, one that stays away is taken back."""

from dataclasses import replace
from pathlib import Path

import pytest

from local_stack.child import Child
from local_stack.deploying import Deploy, Patience
from local_stack.errors import LocalStackError
from local_stack.program import Program, TcpProbe
from local_stack.state import State

PROGRAM = Program(name="orders", command=(), probe=TcpProbe(1))


class Acting(Child):
    """A process that is there and says in turn whether it is ready; the last word stays."""

    def __init__(self, state: State, *said: bool) -> None:
        self._said = list(said)
        self.did: list[str] = []
        super().__init__(replace(PROGRAM), state)

    @property
    def ready(self) -> bool:  # type: ignore[override]
        """What it says next."""
        return self._said.pop(0) if len(self._said) > 1 else self._said[0]

    @ready.setter
    def ready(self, value: bool) -> None:
        """Its own word counts."""

    def start(self) -> None:
        """It is there."""

    async def stop(self) -> None:
        """Noted."""
        self.did.append("stopped")


async def deploy(old: Child, new: Child, state: State) -> list[str]:
    return await Deploy([(old, new)], state, Patience(ready=0.5, watch=0.0)).run(lambda _: None)


async def test_a_look_that_was_late_does_not_take_a_good_version_back(tmp_path: Path):
    state = State(tmp_path)
    old, new = Acting(state, True), Acting(state, True, False, False, True)
    done = await deploy(old, new, state)
    assert "kept" in done[-2]
    assert (old.did, new.did) == (["stopped"], [])


async def test_a_version_that_does_not_get_ready_again_is_taken_back(tmp_path: Path):
    state = State(tmp_path)
    state.log("orders").touch()
    old, new = Acting(state, True), Acting(state, True, False)
    with pytest.raises(LocalStackError, match="not ready any more"):
        await deploy(old, new, state)
    assert (old.did, new.did) == ([], ["stopped"])
