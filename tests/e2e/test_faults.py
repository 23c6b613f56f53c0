"""Things break while people buy: nothing acknowledged is lost, nothing is doubled."""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from e2e_system import Person, System, eventually, finished_report, new_product, place_order, register

# A product may be a minute old to who does not ask for more.
NEWEST = {"Cache-Control": "no-cache"}

PROCESSES = [
    "gateway",
    "users",
    "orders",
    "reports",
    "users-worker",
    "orders-worker",
    "reports-worker",
    "postgres",
    "redis",
    "rabbitmq",
]


class Buyer(threading.Thread):
    """Places orders one after the other, each under a key, and repeats one until it is answered for good."""

    def __init__(self, system: System, person: Person, product_id: int) -> None:
        super().__init__(daemon=True)
        self._system = system
        self._person = person
        self._product_id = product_id
        self._stopping = threading.Event()
        self.acknowledged: dict[str, int] = {}
        self.unexpected: list[str] = []

    def run(self) -> None:
        with self._system.client() as client:
            while not self._stopping.is_set():
                self._buy(client, secrets.token_hex(16))

    def _buy(self, client: httpx.Client, key: str) -> None:
        body = {"items": [{"product_id": self._product_id, "quantity": 1}]}
        headers = {**self._person.headers, "Idempotency-Key": key}
        for _ in range(600):
            try:
                answer = client.post("/api/v1/orders", json=body, headers=headers, timeout=10)
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            if answer.status_code == 201:
                self.acknowledged[key] = answer.json()["id"]
                return
            if answer.status_code not in (409, 502, 503, 504):
                self.unexpected.append(f"{answer.status_code} {answer.text[:200]}")
                return
            time.sleep(0.1)
        self.unexpected.append("an order that was never answered")

    def stop(self) -> None:
        """Finish the order in hand, then end."""
        self._stopping.set()
        self.join(90)
        assert not self.is_alive()


@contextmanager
def buying(system: System, person: Person, product_id: int) -> Iterator[Buyer]:
    """Somebody buys while the block runs."""
    buyer = Buyer(system, person, product_id)
    buyer.start()
    try:
        eventually(lambda: len(buyer.acknowledged) >= 5, what="the first orders")
        yield buyer
        before = len(buyer.acknowledged)
        eventually(lambda: len(buyer.acknowledged) >= before + 5, what="orders placed after the fault")
    finally:
        buyer.stop()


def reported_orders(client: httpx.Client, person: Person) -> list[int]:
    """Ids of the orders that the read model of reports knows."""
    report = finished_report(client, person, "order_summary", "json")
    assert report["status"] == "succeeded", report
    content = client.get(f"/api/v1/reports/{report['id']}/content", headers=person.headers).json()
    return [order["id"] for order in content["orders"]]


def assert_nothing_lost_nothing_doubled(
    client: httpx.Client, person: Person, product: dict[str, int], buyer: Buyer, *, seconds: float = 240
) -> None:
    assert not buyer.unexpected
    wanted = sorted(buyer.acknowledged.values())
    assert len(set(wanted)) == len(wanted), "two keys got one order"
    assert client.get("/api/v1/orders", headers=person.headers).json()["total"] == len(wanted)
    stock = client.get(f"/api/v1/products/{product['id']}", headers=NEWEST).json()["stock"]
    assert stock == product["stock"] - len(wanted)
    eventually(
        lambda: sorted(reported_orders(client, person)) == wanted,
        seconds=seconds,
        what="every acknowledged order, once, in the read model",
    )


@pytest.mark.parametrize("process", PROCESSES)
def test_kill_9_of_any_process_loses_no_order_and_doubles_none(
    breakable: System, client: httpx.Client, boss: Person, process: str
):
    product = new_product(client, boss, stock=100_000)
    person = register(client)
    with buying(breakable, person, product["id"]) as buyer:
        killed = breakable.pid(process)
        breakable.kill(process)
        eventually(lambda: _pid(breakable, process) not in (None, killed), what=f"{process} started again")
        breakable.until_ready()
    assert_nothing_lost_nothing_doubled(client, person, product, buyer)


def _pid(system: System, process: str) -> int | None:
    try:
        return system.pid(process)
    except (KeyError, ValueError):
        return None


@pytest.mark.parametrize("service", ["users", "orders", "reports", "gateway"])
def test_a_restart_in_the_middle_of_things(breakable: System, client: httpx.Client, boss: Person, service: str):
    product = new_product(client, boss, stock=100_000)
    person = register(client)
    with buying(breakable, person, product["id"]) as buyer:
        breakable.run("restart", service)
        breakable.until_ready()
    assert_nothing_lost_nothing_doubled(client, person, product, buyer)


def test_outbox_orders_placed_while_rabbitmq_is_away_are_all_delivered(
    breakable: System, client: httpx.Client, boss: Person
):
    product = new_product(client, boss, stock=1000)
    person = register(client)
    breakable.run("stop", "rabbitmq")
    try:
        placed = [place_order(client, person, product["id"])["id"] for _ in range(20)]
    finally:
        breakable.run("start", "rabbitmq")
    eventually(
        lambda: sorted(reported_orders(client, person)) == sorted(placed),
        seconds=240,
        what="every order placed while the broker was away, once",
    )


def test_a_report_survives_kill_9_of_its_worker(breakable: System, client: httpx.Client, person: Person):
    for kind in ("user_activity", "order_summary"):
        asked = client.post("/api/v1/reports", json={"type": kind, "format": "pdf"}, headers=person.headers)
        assert asked.status_code == 202
        path = f"/api/v1/reports/{asked.json()['id']}"
        eventually(
            lambda path=path: client.get(path, headers=person.headers).json()["status"] != "queued",
            what="the report begun",
        )
        breakable.kill("reports-worker")
        done = eventually(
            lambda path=path: _finished(client.get(path, headers=person.headers).json()),
            seconds=240,
            what="the report finished by the next worker",
        )
        assert done == "succeeded"
    breakable.until_ready()


def _finished(report: dict[str, str]) -> str | None:
    return report["status"] if report["status"] in ("succeeded", "failed", "cancelled") else None


def test_a_frozen_service_is_a_504_and_not_a_hang(breakable: System, client: httpx.Client, product: dict[str, int]):
    with breakable.frozen("orders"):
        answer = client.get(f"/api/v1/products/{product['id']}", headers=NEWEST, timeout=60)
    assert answer.status_code in (503, 504)
    assert answer.headers["content-type"] == "application/problem+json"
    eventually(
        lambda: client.get(f"/api/v1/products/{product['id']}", headers=NEWEST).status_code == 200,
        what="orders answering",
    )
    breakable.until_ready()


def test_redis_away_the_gateway_says_so_and_orders_go_on(
    breakable: System, client: httpx.Client, person: Person, product: dict[str, int]
):
    breakable.run("stop", "redis")
    try:
        statuses = {
            client.post(
                "/api/v1/orders",
                json={"items": [{"product_id": product["id"], "quantity": 1}]},
                headers=person.headers,
            ).status_code
            for _ in range(5)
        }
        assert statuses == {201}
        assert client.get("/health/ready").json()["checks"]["redis"] == "unhealthy"
    finally:
        breakable.run("start", "redis")
    breakable.until_ready()
