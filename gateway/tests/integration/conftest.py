"""Real servers for the tests: valkey, an upstream that misbehaves on request, and the gateway as a process."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))

from gateway_testing.process import GatewayProcess, Valkey
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import RawUpstream


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    server = Valkey()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
async def running_upstream(issuer: Issuer) -> AsyncIterator[RawUpstream]:
    upstream = RawUpstream(issuer)
    await upstream.start()
    yield upstream
    await upstream.stop()


@pytest.fixture(autouse=True)
async def upstream(running_upstream: RawUpstream) -> AsyncIterator[RawUpstream]:
    running_upstream.reset()
    yield running_upstream
    running_upstream.reset()


async def _started(upstream: RawUpstream, valkey: Valkey, **environment: str) -> GatewayProcess:
    process = GatewayProcess(upstream.port, valkey.port, **environment)
    await asyncio.to_thread(process.start)
    await process.ready()
    return process


@pytest.fixture(scope="session")
async def gateway(running_upstream: RawUpstream, valkey: Valkey) -> AsyncIterator[GatewayProcess]:
    process = await _started(running_upstream, valkey)
    yield process
    await asyncio.to_thread(process.stop)


@pytest.fixture(scope="session")
async def second_gateway(running_upstream: RawUpstream, valkey: Valkey) -> AsyncIterator[GatewayProcess]:
    process = await _started(running_upstream, valkey)
    yield process
    await asyncio.to_thread(process.stop)


@pytest.fixture
async def own_gateway(running_upstream: RawUpstream) -> AsyncIterator[GatewayProcess]:
    """A gateway with a valkey of its own, for a test that breaks one of them."""
    server = Valkey()
    server.start()
    process = await _started(running_upstream, server)
    process.valkey = server
    yield process
    await asyncio.to_thread(process.stop)
    server.stop()


# Routing: routes of their own, a second upstream, and a peer whose X-Forwarded-For counts.


@pytest.fixture(scope="session")
async def running_other(issuer: Issuer) -> AsyncIterator[RawUpstream]:
    upstream = RawUpstream(issuer)
    await upstream.start()
    yield upstream
    await upstream.stop()


@pytest.fixture
async def other(running_other: RawUpstream) -> AsyncIterator[RawUpstream]:
    running_other.reset()
    yield running_other
    running_other.reset()


@pytest.fixture(scope="session")
async def routing(
    running_upstream: RawUpstream, running_other: RawUpstream, valkey: Valkey
) -> AsyncIterator[GatewayProcess]:
    process = await _started(
        running_upstream,
        valkey,
        GATEWAY_ROUTES=str(Path(__file__).parent / "routing.toml"),
        OTHER_URL=f"http://127.0.0.1:{running_other.port}",
        TRUSTED_PROXIES="127.0.0.1/32",
    )
    yield process
    await asyncio.to_thread(process.stop)


@pytest.fixture(scope="session")
async def caching(running_upstream: RawUpstream, valkey: Valkey) -> AsyncIterator[GatewayProcess]:
    """A gateway whose routes keep answers."""
    routes = Path(__file__).parent / "cache_routes.toml"
    process = await _started(running_upstream, valkey, GATEWAY_ROUTES=str(routes), CLIENT_SECONDS="5")
    yield process
    await asyncio.to_thread(process.stop)
