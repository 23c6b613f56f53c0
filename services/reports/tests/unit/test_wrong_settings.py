"""A process that cannot start says in words why, and shows no value: it may be a secret."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest

from reports.settings import ReportsSettings
from shared.settings import wrong_settings_in_words
from shared.testing.starting import Program, program

Refused: TypeAlias = Callable[[str, dict[str, str | None]], str]

RIGHT = {
    "PATH": os.environ["PATH"],
    "DATABASE_URL": "postgresql://reports:hunter2@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1",
    "AMQP_URL": "amqp://127.0.0.1:1",
    "TOKEN_ISSUER": "http://127.0.0.1:1",
    "REPORTS_DIR": "/nowhere/reports",
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


@pytest.mark.parametrize("module", ["reports.main", "reports.worker"])
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


@pytest.mark.parametrize("module", ["reports.main", "reports.worker"])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DATABASE_URL": None}, "DATABASE_URL: Field required"),
        ({"DATABASE_URL": None, "DATABASE_URL_FILE": "/nowhere/hunter2"}, "DATABASE_URL_FILE: the file cannot be read"),
        ({"HTTP_PORT": "hunter2"}, "HTTP_PORT: "),
        ({"DATABASE_MIN_CONNECTIONS": "hunter2"}, "DATABASE_MIN_CONNECTIONS: "),
        ({"WEBHOOKS_KEY": "hunter2"}, "WEBHOOKS_KEY: must be 32 bytes"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(
    module: str, changes: dict[str, str | None], said: str, refused: Refused
):
    words = refused(module, changes)
    assert words.startswith(module.partition(".")[0])
    assert said in words


def test_an_api_that_could_verify_no_token_does_not_start(refused: Refused):
    assert "JWKS_URL: " in refused("reports.main", {})
    assert "JWKS_URL: " in refused("reports.main", {"JWKS_URL": ""})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"WEBHOOKS_ALLOW": "hunter2"}, "WEBHOOKS_ALLOW"),
        ({"WEBHOOKS_DNS": "hunter2"}, "WEBHOOKS_DNS"),
        ({"WEBHOOKS_DNS": "127.0.0.1:0"}, "WEBHOOKS_DNS"),
        ({"WEBHOOKS_PORTS": "hunter2"}, "WEBHOOKS_PORTS"),
        ({"WEBHOOKS_CA_FILE": "/nowhere/hunter2"}, "WEBHOOKS_CA_FILE"),
        ({"WEBHOOKS_CA_FILE": __file__}, "WEBHOOKS_CA_FILE"),
    ],
)
def test_a_wrong_setting_of_webhooks_is_named(changes: dict[str, str], said: str):
    own = {**{name: value for name, value in RIGHT.items() if name != "PATH"}, **changes}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended, wrong_settings_in_words("reports"):
            ReportsSettings()
    assert said in str(ended.value)
    assert "hunter2" not in str(ended.value)
