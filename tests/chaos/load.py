"""The steady load: buyers, readers of reports, a shopkeeper, somebody who browses, somebody who registers."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING
from uuid import UUID

from chaos.client import Client, Patience
from chaos.hooking import ORDER_EVENTS, Hook
from chaos.importing import Importer
from chaos.ledger import Kind, Ledger, Outcome
from chaos.picturing import Sitter
from chaos.reporting import Reader
from chaos.scheduling import Planner
from chaos.shopping import Buyer, Shop, take_step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chaos.receiving import Receiver

_BUYERS, _READERS, _SITTERS, _PLANNERS = 5, 2, 2, 2
_HOOKED = 2
"""Buyers who have a webhook."""
_ADMIN = ("admin@example.com", "Admin12345")
_PLENTY, _SCARCE = 1_000_000, 150
STOCK_SKUS = "CHAOS-"
_UNHURRIED = 180.0
"""Longer than a payment stays open whose answer was lost: it is settled by the minute, when it is a minute old."""


class Load:
    """Everybody at once, each with chances of their own that the seed decides."""

    def __init__(self, gateway: str, seed: int, receiver: Receiver) -> None:
        self.ledger = Ledger()
        self.stock: dict[int, int] = {}
        """What was put on each shelf, by product."""
        self.hooks: list[Hook] = []
        self.sitters: list[Sitter] = []
        self.planners: list[Planner] = []
        self._receiver = receiver
        self._gateway = gateway
        self._seed = seed
        self._patience = Patience()
        self._ending = asyncio.Event()
        self._clients: list[Client] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Register everybody, fill the shelves and begin."""
        admin = self._client("admin", _ADMIN[0])
        await admin.sign_in_as(_ADMIN[1])
        admin.user_id = (await admin.must("GET", "/api/v1/users/me"))["id"]
        await self._hook(admin, ("orders.paid.v1",), everybody=True)
        products = [
            await self._new_product(admin, number, stock) for number, stock in enumerate((_PLENTY, _PLENTY, _SCARCE))
        ]
        shop = Shop((products[0], products[1]), products[2])
        for number in range(_BUYERS):
            client = await self._registered(f"buyer-{number}")
            if number < _HOOKED:
                await self._hook(client, ORDER_EVENTS)
            self._go(Buyer(client, shop, self._random(f"buyer-{number}")).buy, pause=0.15)
        for number in range(_READERS):
            client = await self._registered(f"reader-{number}")
            self._go(Reader(client, self._random(f"reader-{number}")).ask, pause=1.0)
        for number in range(_SITTERS):
            self.sitters.append(Sitter(await self._registered(f"sitter-{number}")))
            self._go(self.sitters[-1].sit, pause=4.0)
        for number in range(_PLANNERS):
            planner = Planner(await self._registered(f"planner-{number}"), self._random(f"planner-{number}"))
            self.planners.append(planner)
            self._go(planner.plan, pause=1.0)
        self._go(Importer(admin, self._random("importer")).bring, pause=3.0)
        self._go(lambda: self._ship(admin, shop), pause=0.1)
        self._go(lambda: self._reprice(admin, products[0]), pause=1.0)
        visitor = self._client("visitor", "")
        self._go(lambda: self._browse(visitor, products[0]), pause=0.1)
        self._go(lambda: self._register_somebody(visitor), pause=2.0)

    async def stop(self) -> None:
        """Begin nothing new; what is begun is asked for to its end, with a bound."""
        self._patience.end_in(_UNHURRIED)
        self._ending.set()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                self.ledger.contradicts(f"a client broke off: {type(error).__name__}: {error}")

    async def close(self) -> None:
        """Close all connections, and end what still runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._clients:
            await client.close()

    def client_of(self, user_id: int) -> Client:
        """Somebody by their id."""
        return next(client for client in self._clients if client.user_id == user_id)

    def _random(self, name: str) -> random.Random:
        return random.Random(f"{self._seed} {name}")  # noqa: S311 - repeatable is what it must be

    def _client(self, name: str, email: str) -> Client:
        client = Client(self._gateway, self.ledger, self._random(f"{name} pauses"), self._patience, email)
        self._clients.append(client)
        return client

    async def _registered(self, name: str) -> Client:
        client = self._client(name, f"{name}-{self._seed}@example.com")
        await client.register()
        return client

    async def _hook(self, client: Client, events: tuple[str, ...], *, everybody: bool = False) -> None:
        hook = Hook(client, self._receiver, events, everybody=everybody)
        await hook.make()
        self.hooks.append(hook)

    async def _new_product(self, admin: Client, number: int, stock: int) -> int:
        body = {"sku": f"{STOCK_SKUS}{number}", "name": f"Kettle {number}", "price": "9.99", "stock": stock}
        made = await admin.must("POST", "/api/v1/products", body)
        self.stock[made["id"]] = stock
        return made["id"]

    def _go(self, act: Callable[[], Awaitable[None]], *, pause: float) -> None:
        chance = self._random(f"{len(self._tasks)} pace")

        async def again_and_again() -> None:
            while not self._ending.is_set():
                await act()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause * chance.uniform(0.5, 1.5)):
                        await self._ending.wait()

        self._tasks.append(asyncio.create_task(again_and_again()))

    async def _ship(self, admin: Client, shop: Shop) -> None:
        if shop.to_ship.empty():
            return
        order_id = shop.to_ship.get_nowait()
        await take_step(admin, order_id, "shipped", self._key(f"ship {order_id}"))

    async def _reprice(self, admin: Client, product_id: int) -> None:
        # An admin's change of a row that every buyer locks; that it is lost when unanswered is no wrong.
        body = {"description": f"As of request {self.ledger.requests}"}
        await admin.once("reprice", "PATCH", f"/api/v1/products/{product_id}", json=body)

    async def _browse(self, visitor: Client, product_id: int) -> None:
        headers = {"Cache-Control": "no-cache"}
        await visitor.once("browse", "GET", f"/api/v1/products/{product_id}", headers=headers)

    async def _register_somebody(self, visitor: Client) -> None:
        number = len(self.ledger.of(Kind.REGISTER))
        email = f"visitor-{self._seed}-{number}@example.com"
        operation = self.ledger.begin(Kind.REGISTER, 0, (email,), self._key(email))
        body = {"name": "Grace Hopper", "email": email, "password": "Correct1Horse"}
        answer = await visitor.send(operation, "POST", "/api/v1/users", body)
        if answer is None:
            return
        if answer.status_code == 201 and operation.attempts == 1:
            operation.outcome, operation.answer = Outcome.ACKNOWLEDGED, answer.json()
        elif answer.status_code != 201:  # of a second try it does not say whose number it is: the address may be taken
            self.ledger.contradicts(f"refused {answer.status_code} {answer.text[:120]}: {operation.describe()}")

    def _key(self, name: str) -> str:
        return str(UUID(int=self._random(name).getrandbits(128), version=4))
