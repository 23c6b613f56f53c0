"""The gateway alone, as its README has it: the ten lines in front of ``python -m http.server``, and nothing else."""

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_testing.process import GatewayProcess, free_port
from gateway_testing.wire import Answer, ask

from shared.testing.waiting import eventually

README = Path(__file__).parents[2] / "README.md"


def listening(port: int) -> bool:
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[int]:
    """The port of a file server over one file."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "hello.txt").write_text("hello")
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", "files"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - does not wait
    await eventually(lambda: listening(port))
    yield port
    process.kill()
    process.wait()


@pytest.fixture
async def routes(tmp_path: Path, service: int) -> Path:
    """The README's file, with a port of our own and a quota that no slow machine gets back."""
    example = re.search(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
    assert example is not None
    file = tmp_path / "my.toml"
    assert '"100/1m"' in example[1]
    file.write_text(example[1].replace("127.0.0.1:3000", f"127.0.0.1:{service}").replace('"100/1m"', '"6/1d"'))
    return file


class Alone(GatewayProcess):
    """Only what the command line says; the settings beside it are wrong, so that a flag must win."""

    def __init__(self, routes: Path, *flags: str) -> None:
        super().__init__(0, 0)
        self.arguments = ["--routes", str(routes), "--port", str(self.port), "--host", "127.0.0.1", *flags]
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "VIRTUAL_ENV"}}
        wrong = {
            "HTTP_PORT": "1",
            "HTTP_HOST": "192.0.2.1",
            "GATEWAY_ROUTES": "/nowhere",
            "REDIS_URL": "redis://[::1]:1",
        }
        self._environment = {**kept, **wrong, "LIMITS_SCALE": "1"}


async def started(process: Alone) -> None:
    await asyncio.to_thread(process.start)
    await process.ready(redis=False)


async def hello(process: Alone) -> Answer:
    return await ask(process.port, "GET", "/hello.txt")


async def test_one_process_counts_the_whole_quota_without_redis(routes: Path):
    process = Alone(routes, "--no-redis")
    await started(process)
    try:
        answers = [await hello(process) for _ in range(8)]
        assert [answer.status for answer in answers] == [200] * 6 + [429] * 2
        assert [answer["x-ratelimit-remaining"] for answer in answers] == list("54321000")
        assert answers[0].body == b"hello"
        ready = (await ask(process.port, "GET", "/health/ready")).json()
        assert ready == {"status": "ready", "checks": {"app": "healthy"}}
        metrics = (await ask(process.port, "GET", "/metrics")).body
        assert b'gateway_limit_verdicts_total{outcome="local"}' in metrics
        assert b"gateway_limiter_up" not in metrics
        assert b"gateway_revocations_up" not in metrics
        assert process.times_logged(event="limits_parted") == 0
    finally:
        await asyncio.to_thread(process.stop)


async def test_several_workers_have_equal_parts_of_it_and_it_is_said(routes: Path):
    process = Alone(routes, "--no-redis", "--workers", "2")
    await started(process)
    try:
        answers = [await hello(process) for _ in range(12)]
        admitted = [answer for answer in answers if answer.status == 200]
        assert 3 <= len(admitted) <= 6
        assert {answer["x-ratelimit-limit"] for answer in answers} == {"3"}
        await process.logged(event="limits_parted", workers=2)
    finally:
        await asyncio.to_thread(process.stop)


async def test_a_redis_that_should_be_there_is_shown_away(routes: Path):
    process = Alone(routes)
    await started(process)
    try:
        ready = (await ask(process.port, "GET", "/health/ready")).json()
        assert ready["checks"] == {"redis": "unhealthy", "app": "healthy"}
        assert (await hello(process))["x-ratelimit-limit"] == "1"
    finally:
        await asyncio.to_thread(process.stop)
