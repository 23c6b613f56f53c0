"""A process that cannot start says in words why, and shows no value: it may be a secret."""

import os
import subprocess
import sys

import pytest

RIGHT = {
    "PATH": os.environ["PATH"],
    "DATABASE_URL": "postgresql://orders:hunter2@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1",
    "AMQP_URL": "amqp://127.0.0.1:1",
    "TOKEN_ISSUER": "http://127.0.0.1:1",
    "ORDERS_DIR": "/nowhere/orders",
}


def refused(module: str, changes: dict[str, str | None]) -> str:
    environment = {name: value for name, value in {**RIGHT, **changes}.items() if value is not None}
    ended = subprocess.run(
        [sys.executable, "-m", module], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr
    return ended.stderr


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
def test_a_wrong_setting_is_named_without_its_value(module: str, changes: dict[str, str | None], said: str):
    words = refused(module, changes)
    assert words.startswith(module.partition(".")[0])
    assert said in words


def test_an_api_that_could_verify_no_token_does_not_start():
    assert "JWKS_URL: " in refused("orders.main", {})
    assert "JWKS_URL: " in refused("orders.main", {"JWKS_URL": ""})
