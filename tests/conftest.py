"""One system for the tests from outside, those of ``e2e`` and of ``security``, and who calls it."""

import os
from collections.abc import Iterator

import httpx
import pytest
from container_system import ContainerSystem, started_in_containers
from e2e_system import Person, System, admin, new_product, register, started
from https_receiver import ADDRESS, OwnAuthority


@pytest.fixture(scope="session")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> OwnAuthority:
    """Receivers of webhooks, at an address that our system is told to allow."""
    return OwnAuthority(tmp_path_factory.mktemp("receivers"))


@pytest.fixture(scope="session")
def more_settings() -> dict[str, str]:
    """Settings of the system under test beyond those of every run; a folder of tests may have its own."""
    return {}


@pytest.fixture(scope="session")
def system(pytestconfig: pytest.Config, receivers: OwnAuthority, more_settings: dict[str, str]) -> Iterator[System]:
    """The system under test: ``GATEWAY_URL``'s, else one of this run's own, of containers where ``SYSTEM`` says so."""
    if url := os.environ.get("GATEWAY_URL"):
        traces = os.environ.get("TRACES_URL", "http://127.0.0.1:8040")
        mail = os.environ.get("MAIL_URL", "http://127.0.0.1:8051")
        yield System(url, traces, mail, None, dict(os.environ))
        return
    if os.environ.get("SYSTEM") == "containers":
        with started_in_containers(pytestconfig.rootpath, LIMITS_SCALE="10000") as system:
            yield system
        return
    settings = {"WEBHOOKS_ALLOW": f"{ADDRESS}/32", "WEBHOOKS_CA_FILE": str(receivers.file), "LIMITS_SCALE": "10000"}
    with started(pytestconfig.rootpath, "e2e", **settings, **more_settings) as system:
        yield system


@pytest.fixture(scope="session")
def breakable(system: System) -> System:
    """The system, where it is ours to break."""
    if system.state is None:
        pytest.skip("GATEWAY_URL names a system that somebody else runs")
    return system


@pytest.fixture(scope="session")
def processes(breakable: System) -> System:
    """The system, where it is processes of this machine that can be looked into."""
    if isinstance(breakable, ContainerSystem):
        pytest.skip("looks into processes, files or addresses of this machine, which containers have of their own")
    return breakable


@pytest.fixture(scope="session")
def client(system: System) -> Iterator[httpx.Client]:
    with system.client() as client:
        yield client


@pytest.fixture(scope="session")
def boss(client: httpx.Client) -> Person:
    return admin(client)


@pytest.fixture(autouse=True)
def _boss_stays_signed_in(request: pytest.FixtureRequest) -> None:
    if "boss" in request.fixturenames:
        request.getfixturevalue("boss").stay_signed_in(request.getfixturevalue("client"))


@pytest.fixture
def person(client: httpx.Client) -> Person:
    return register(client)


@pytest.fixture(scope="session")
def product(client: httpx.Client, boss: Person) -> dict[str, object]:
    return new_product(client, boss, stock=100_000)
