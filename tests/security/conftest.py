from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from belongings import Owner, newcomer
from e2e_system import Person, System, register
from https_receiver import HttpsReceiver, OwnAuthority
from signing import OwnKey, own_key


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


@pytest.fixture(scope="session")
async def asking(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """A client for many requests at once."""
    limits = httpx.Limits(max_connections=30)
    async with httpx.AsyncClient(base_url=system.gateway, timeout=60, limits=limits, trust_env=False) as client:
        yield client
