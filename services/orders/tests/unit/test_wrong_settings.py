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
    "DATABASE_URL": "postgresql://orders:hunter2@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1",
    "AMQP_URL": "amqp://127.0.0.1:1",
    "TOKEN_ISSUER": "http://127.0.0.1:1",
    "ORDERS_DIR": "/nowhere/orders",
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


@pytest.mark.parametrize("module", ["orders.main", "orders.worker"])
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


@pytest.mark.parametrize("module", ["orders.main", "orders.worker"])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DATABASE_URL": None}, "DATABASE_URL: Field required"),
        ({"DATABASE_URL": None, "DATABASE_URL_FILE": "/nowhere/hunter2"}, "DATABASE_URL_FILE: the file cannot be read"),
        ({"ORDERS_DIR": None}, "ORDERS_DIR: Field required"),
        ({"ORDERS_IMPORT_MOST_BYTES": "0"}, "ORDERS_IMPORT_MOST_BYTES: "),
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


def test_an_api_that_could_verify_no_token_does_not_start(refused: Refused):
    assert "JWKS_URL: " in refused("orders.main", {})
    assert "JWKS_URL: " in refused("orders.main", {"JWKS_URL": ""})
