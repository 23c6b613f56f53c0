"""A process that cannot start says in words why, and shows no value: it may be a secret."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest

from shared.testing.starting import Program, program

Refused: TypeAlias = Callable[[str, dict[str, str | None]], str]

RIGHT = {
    "PATH": os.environ["PATH"],
    "DATABASE_URL": "postgresql://users:hunter2@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1",
    "AMQP_URL": "amqp://127.0.0.1:1",
    "TOKEN_ISSUER": "http://127.0.0.1:1",
    "AVATARS_DIR": "/nowhere/avatars",
    "TOKEN_PRIVATE_KEY_FILE": "/nowhere/hunter2",
}


@pytest.fixture(scope="module")
def refused() -> Iterator[Refused]:
    """What a program says that does not start with these changes of the right settings."""
    with ExitStack() as running:
        programs: dict[str, Program] = {}

        def start(module: str, changes: dict[str, str | None]) -> str:
            if module not in programs:
                programs[module] = running.enter_context(program(module))
            ended = programs[module].start(environment(changes))
            assert_refused(ended.status, ended.said)
            return ended.said

        yield start


def environment(changes: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**RIGHT, **changes}.items() if value is not None}


def assert_refused(status: int, said: str) -> None:
    assert status == 1
    assert "Traceback" not in said
    assert "hunter2" not in said


@pytest.mark.parametrize("module", ["users.main", "users.worker", "users.seeding"])
def test_started_as_it_is_deployed_it_says_what_is_wrong(module: str):
    ended = subprocess.run(
        [sys.executable, "-m", module],
        env=environment({"DATABASE_URL": None}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert_refused(ended.returncode, ended.stderr)
    assert "DATABASE_URL: Field required" in ended.stderr


@pytest.mark.parametrize("module", ["users.main", "users.worker", "users.seeding"])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DATABASE_URL": None}, "DATABASE_URL: Field required"),
        ({"DATABASE_URL": None, "DATABASE_URL_FILE": "/nowhere/hunter2"}, "DATABASE_URL_FILE: the file cannot be read"),
        ({"HTTP_PORT": "hunter2"}, "HTTP_PORT: "),
        ({"DATABASE_MIN_CONNECTIONS": "hunter2"}, "DATABASE_MIN_CONNECTIONS: "),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(
    module: str, changes: dict[str, str | None], said: str, refused: Refused
):
    words = refused(module, changes)
    assert words.startswith(module.partition(".")[0])
    assert said in words


@pytest.mark.parametrize("networks", ["hunter2", "10.0.0.0/8,hunter2/33"])
def test_networks_that_are_none_are_not_shown_either(networks: str, refused: Refused):
    assert "GATEWAY_NETWORKS: " in refused("users.main", {"GATEWAY_NETWORKS": networks})


def test_the_key_file_is_named(refused: Refused):
    assert "TOKEN_PRIVATE_KEY_FILE: the file cannot be read" in refused("users.main", {})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SECOND_FACTOR_KEY": "hunter2"}, "SECOND_FACTOR_KEY: must be 32 bytes"),
        ({"GATEWAY_CLIENT_SECRET": "hunter2"}, "GATEWAY_CLIENT_SECRET: must have 32 characters"),
        ({"ENVIRONMENT": "production"}, "GATEWAY_CLIENT_SECRET: production needs one of its own"),
        ({"SECOND_FACTOR_KEY": ","}, "SECOND_FACTOR_KEY: must be 32 bytes"),
        ({"ENVIRONMENT": "production"}, "SECOND_FACTOR_KEY: production needs a key of its own"),
    ],
)
def test_a_secret_is_a_right_one_and_productions_own(changes: dict[str, str | None], said: str, refused: Refused):
    assert said in refused("users.main", changes)
