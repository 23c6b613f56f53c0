"""A service is replaced while people use it: no request fails, and a version that does not work is taken back."""

import subprocess
import sys

import httpx
import pytest
from container_system import ContainerSystem
from deploy_load import NEWEST, Load, under_load
from e2e_system import Person, System, eventually, new_product, register

PROCESSES = ["gateway", *(f"{name}{role}" for name in ("users", "orders", "reports") for role in ("", "-worker"))]


def pids(system: System) -> dict[str, int]:
    return {name: system.pid(name) for name in PROCESSES}


def refused(system: System, *arguments: str) -> str:
    """What a deploy that is to fail says."""
    done = subprocess.run(
        [sys.executable, "-m", "local_stack", "deploy", *arguments, "--state", str(system.state)],
        env=system.environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


def assert_each_order_is_there_once(client: httpx.Client, person: Person, product: dict[str, int], load: Load) -> None:
    assert len(set(load.placed)) == len(load.placed)
    assert client.get("/api/v1/orders", headers=person.headers).json()["total"] == len(load.placed)
    stock = client.get(f"/api/v1/products/{product['id']}", headers=NEWEST).json()["stock"]
    assert stock == product["stock"] - len(load.placed)


def assert_replaced_under_load(system: System, client: httpx.Client, boss: Person, service: str, *own: str) -> None:
    product, person = new_product(client, boss, stock=100_000), register(client)
    before = pids(system)
    with under_load(system, person, product["id"]) as load:
        said = system.run("deploy", service, "--watch", "2", "--ready", "120")
    assert load.failed == []
    assert f"{service} is deployed" in said
    after = pids(system)
    assert {name for name in before if before[name] != after[name]} == {service, *own}
    with system.client() as fresh:
        assert_each_order_is_there_once(fresh, person, product, load)


def test_a_service_deployed_under_load_fails_no_request_and_touches_nothing_else(
    breakable: System, client: httpx.Client, boss: Person
):
    assert_replaced_under_load(breakable, client, boss, "orders", "orders-worker")


def test_a_gateway_deployed_under_load_fails_no_request(breakable: System, client: httpx.Client, boss: Person):
    assert_replaced_under_load(breakable, client, boss, "gateway")


def test_the_doorway_of_the_gateways_comes_back(breakable: System, client: httpx.Client, product: dict[str, int]):
    if not isinstance(breakable, ContainerSystem):
        pytest.skip("processes share the sockets of their supervisor")
    gateway = breakable.pid("gateway")
    breakable.kill("doorway")

    def answered_by_another() -> bool:
        try:
            answer = client.get(f"/api/v1/products/{product['id']}", headers=NEWEST, timeout=5)
        except httpx.TransportError:
            return False
        return answer.is_success and breakable.pid("gateway") not in {0, gateway}

    eventually(answered_by_another, what="the gateway, started again at the next doorway")
    breakable.until_ready()


def test_a_setting_that_compose_hands_to_nobody_is_refused(breakable: System):
    if not isinstance(breakable, ContainerSystem):
        pytest.skip("processes take any setting of the environment")
    assert "NO_SUCH_SETTING" in refused(breakable, "orders", "--set", "NO_SUCH_SETTING=1")


def test_an_image_that_does_not_start_is_never_used(breakable: System, client: httpx.Client, boss: Person):
    if not isinstance(breakable, ContainerSystem):
        pytest.skip("processes have a test of their own, with settings of the new one alone")
    product, person = new_product(client, boss, stock=100_000), register(client)
    before = pids(breakable)
    with under_load(breakable, person, product["id"]) as load:
        said = refused(breakable, "orders", "--set", "DATABASE_MAX_CONNECTIONS=0")
    assert load.failed == []
    assert "the old one goes on" in said
    assert "DATABASE_MAX_CONNECTIONS" in said
    assert pids(breakable) == before


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        pytest.param("TOKEN_AUDIENCE_FILE=/nowhere", "did not start: exit status 1", id="it does not start"),
        pytest.param("DATABASE_URL=postgresql://orders:x@127.0.0.1:1/none", "not ready within 4 s", id="not ready"),
    ],
)
def test_a_version_that_does_not_work_is_taken_back_unnoticed(
    processes: System, client: httpx.Client, boss: Person, wrong: str, why: str
):
    product, person = new_product(client, boss, stock=100_000), register(client)
    before = pids(processes)
    with under_load(processes, person, product["id"]) as load:
        said = refused(processes, "orders", "--set", wrong, "--ready", "4" if "4 s" in why else "150")
    assert load.failed == []
    assert why in said
    assert "the old one goes on" in said
    assert pids(processes) == before
    with processes.client() as fresh:
        assert_each_order_is_there_once(fresh, person, product, load)
