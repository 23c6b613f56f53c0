import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from belongings import Owner, newcomer
from e2e_system import Person, System, register
from https_receiver import HttpsReceiver, OwnAuthority
from signing import OwnKey, own_key

from shared.testing.waiting import PATIENCE_SECONDS


@pytest.fixture(scope="session")
def more_settings() -> dict[str, str]:
    """Dozens at once wait for ten connections: a machine that stands still for five seconds is no answer to them.

    Shorter than the gateway waits for a first byte. Nor is Redis away when it is late: limits stay exact.
    """
    return {"DATABASE_ACQUIRE_SECONDS": "14", "REDIS_PATIENCE_SECONDS": "14"}


@pytest.fixture(scope="session")
def document(client: httpx.Client) -> dict[str, object]:
    """The OpenAPI document that the gateway serves."""
    return client.get("/openapi.json").json()


@pytest.fixture(scope="session")
def receiver(breakable: System, receivers: OwnAuthority) -> Iterator[HttpsReceiver]:
    """A receiver of webhooks that the system is told to allow."""
    assert breakable.state
    with receivers.receiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def key(breakable: System, client: httpx.Client) -> OwnKey:
    """The system's own signing key."""
    return own_key(breakable, client)


@pytest.fixture(scope="session")
def owner(client: httpx.Client, boss: Person, receiver: HttpsReceiver) -> Owner:
    """Whose objects the attacks of a session aim at."""
    return newcomer(client, boss, receiver)


@pytest.fixture(scope="session")
def stranger(client: httpx.Client) -> Person:
    """Somebody else."""
    return register(client, "Eve Moriarty")


@pytest.fixture(autouse=True)
def _they_stay_signed_in(request: pytest.FixtureRequest) -> None:
    if "owner" in request.fixturenames:
        request.getfixturevalue("owner").person.stay_signed_in(request.getfixturevalue("client"))
    if "stranger" in request.fixturenames:
        request.getfixturevalue("stranger").stay_signed_in(request.getfixturevalue("client"))


class Asking(httpx.AsyncClient):
    """A client for many requests at once, of which so many are under way as there are connections.

    The pool looks through all that wait for a connection whenever one more is asked for: thousands keep it busy for
    longer than they may wait.
    """

    def __init__(self, system: System, *, connections: int = 30) -> None:
        limits = httpx.Limits(max_connections=connections)
        super().__init__(base_url=system.gateway, timeout=PATIENCE_SECONDS, limits=limits, trust_env=False)
        self._room = asyncio.Semaphore(connections)

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        async with self._room:
            return await super().send(request, **options)


@pytest.fixture(scope="session")
async def asking(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """A client for many requests at once."""
    async with Asking(system) as client:
        yield client
