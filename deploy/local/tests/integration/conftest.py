"""Servers of the tests' own, started once for all of them."""

import os
from collections.abc import Iterator

import pytest

from local_stack import orphans, server_commands
from local_stack.servers.unprivileged import remove_home
from local_stack.state import State


@pytest.fixture(scope="package")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    state = State(tmp_path_factory.mktemp("state"))
    given = {name: os.environ.pop(name, "") for name in ("DATABASE_URL", "REDIS_URL", "AMQP_URL")}
    server_commands.up(state)
    yield state
    server_commands.down(state)
    os.environ.update({name: value for name, value in given.items() if value})
    assert orphans.find(state) == {}
    remove_home(state, "postgres")
