"""A steady load on every service, by clients that keep connections and by such that do not; failures are kept."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import httpx
from e2e_system import Person, System, eventually

NEWEST = {"Cache-Control": "no-cache"}


class Load:
    """Clients at once, none of which asks a second time when it is not answered."""

    def __init__(self, system: System, person: Person, product_id: int) -> None:
        self._system = system
        self._person = person
        self._product_id = product_id
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._go_on, args=(number,), daemon=True) for number in range(6)]
        self.placed: list[int] = []
        self.read = 0
        self.failed: list[str] = []
        self.answered: list[tuple[float, float]] = []
        """When each good one was asked (of the monotonic clock), and seconds until it was answered."""

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _go_on(self, number: int) -> None:
        """Two of the six take a new connection each time; even ones order, two of these under a key."""
        kept = number < 4
        with self._system.client() if kept else nullcontext() as own:
            while not self._stopping.is_set():
                with nullcontext(own) if own else self._system.client() as client:
                    self._ask(client, number)
                time.sleep(0.02)

    def _ask(self, client: httpx.Client, number: int) -> None:
        began = time.monotonic()
        try:
            answer = self._order(client, keyed=number % 4 == 0) if number % 2 == 0 else self._read(client, number // 2)
        except httpx.TransportError as error:
            self.failed.append(
                f"client {number}: {type(error).__name__} {error} after {time.monotonic() - began:.2f} s"
            )
            return
        if not answer.is_success:
            self.failed.append(f"client {number}: {answer.status_code} {answer.text[:200]}")
            return
        self.answered.append((began, time.monotonic() - began))
        if number % 2 == 0:
            self.placed.append(answer.json()["id"])
        else:
            self.read += 1

    def _order(self, client: httpx.Client, *, keyed: bool) -> httpx.Response:
        key = {"Idempotency-Key": secrets.token_hex(16)} if keyed else {}
        body = {"items": [{"product_id": self._product_id, "quantity": 1}]}
        return client.post("/api/v1/orders", json=body, headers={**self._person.headers, **key})

    def _read(self, client: httpx.Client, number: int) -> httpx.Response:
        """The first reads of orders, the second of users, the third of reports."""
        path = (f"/api/v1/products/{self._product_id}", "/api/v1/users/me", "/api/v1/reports")[number]
        return client.get(path, headers={**self._person.headers, **NEWEST})


@contextmanager
def under_load(system: System, person: Person, product_id: int) -> Iterator[Load]:
    """The load while the block runs, with some of it before and after."""
    load = Load(system, person, product_id)
    load.start()
    try:
        eventually(lambda: len(load.placed) >= 10 and load.read >= 10, what="the first answers")
        yield load
        placed, read = len(load.placed), load.read
        eventually(lambda: len(load.placed) >= placed + 10 and load.read >= read + 10, what="answers after it")
    finally:
        load.stop()
