"""Buyers and the shop: orders placed, paid, declined, cancelled and shipped, each with a mark of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chaos.ledger import Kind, Operation, Outcome

if TYPE_CHECKING:
    from random import Random

    from chaos.client import Client

_DIGIT = 40
"""An order's number in its buyer's life is written in the quantities of its two lines, in this base."""
_IMPATIENT, _HASTY, _FORGETFUL = 0.08, 0.08, 0.08


class Shop:
    """What is on the shelves, and what waits to be shipped."""

    def __init__(self, plenty: tuple[int, int], scarce: int) -> None:
        self.plenty = plenty
        self.scarce = scarce
        self.to_ship: asyncio.Queue[int] = asyncio.Queue()


class Buyer:
    """Places one order after the other and does with each what buyers do."""

    def __init__(self, client: Client, shop: Shop, random: Random) -> None:
        self._client = client
        self._shop = shop
        self._random = random
        self._number = 0

    async def buy(self) -> None:
        """One order, to where this buyer leaves it."""
        order_id = await self._place()
        if order_id is None:
            return
        await self._read_back(order_id)
        fate = self._random.random()
        if self._random.random() < 0.15:
            await self._pay(order_id, "card_declined")
        if fate < 0.75:
            paid = await self._pay(order_id, "card")
            if paid and fate < 0.10:
                await take_step(self._client, order_id, "cancelled", self._key())
            elif paid and fate < 0.40:
                self._shop.to_ship.put_nowait(order_id)
        elif fate < 0.90:
            await take_step(self._client, order_id, "cancelled", self._key())

    async def _place(self) -> int | None:
        self._number += 1
        first, second = 1 + self._number % _DIGIT, 1 + self._number // _DIGIT
        lines = [(self._shop.plenty[0], first), (self._shop.plenty[1], second)]
        if self._random.random() < 0.3:
            lines.append((self._shop.scarce, 1))
        mark = tuple(sorted(lines))
        body = {"items": [{"product_id": product, "quantity": quantity} for product, quantity in lines]}
        operation = self._begin(Kind.PLACE, mark)
        answer = await self._send(operation, "/api/v1/orders", body, {201})
        return answer["id"] if answer else None

    async def _pay(self, order_id: int, method: str) -> bool:
        declined = method == "card_declined"
        operation = self._begin(Kind.DECLINE if declined else Kind.PAY, (order_id,))
        body = {"method": method}
        await self._send(operation, f"/api/v1/orders/{order_id}/payments", body, {402 if declined else 201})
        return operation.outcome is Outcome.ACKNOWLEDGED

    async def _send(self, operation: Operation, path: str, body: Any, good: set[int]) -> dict[str, Any]:
        """The acknowledged answer, empty when there is none."""
        manner = self._random.random()
        if manner < _HASTY:
            # Somebody presses the button twice.
            answers = await asyncio.gather(*(self._client.send(operation, "POST", path, body) for _ in range(2)))
        else:
            patient = manner > _HASTY + _IMPATIENT
            answers = [await self._client.send(operation, "POST", path, body, patient=patient)]
            if answers[0] is not None and manner > 1 - _FORGETFUL:
                answers.append(await self._client.send(operation, "POST", path, body))
        seen = [(answer.status_code, answer.json()) for answer in answers if answer is not None]
        ledger = self._client.ledger
        ledger.replays += len(seen) - 1 if len(seen) > 1 else 0
        for status, found in seen:
            if status in good:
                operation.outcome, operation.answer = Outcome.ACKNOWLEDGED, found
            elif found.get("code") == "out_of_stock":
                operation.outcome = Outcome.REFUSED
            elif operation.kind is Kind.PAY and operation.attempts > 1 and await self._is_paid(operation):
                operation.outcome = Outcome.ACKNOWLEDGED
            else:
                ledger.contradicts(f"refused {status} {found.get('code')}: {operation.describe()}")
        # Stock may come back between two tries that took nothing; what was acknowledged once is answered so again.
        told = {(status, found.get("id")) for status, found in seen if status in good}
        if len(told) > 1:
            ledger.contradicts(f"one key, two answers {sorted(map(str, told))}: {operation.describe()}")
        return operation.answer if operation.outcome is Outcome.ACKNOWLEDGED else {}

    async def _is_paid(self, operation: Operation) -> bool:
        """Whether an earlier try paid: one that a crash cut off is settled later, and the next one finds it done."""
        found = await self._client.send(operation, "GET", f"/api/v1/orders/{operation.mark[0]}", None)
        return found is not None and found.is_success and found.json()["status"] == "paid"

    async def _read_back(self, order_id: int) -> None:
        answer = await self._client.once("read", "GET", f"/api/v1/orders/{order_id}")
        if answer is not None and answer.status_code == 404:
            self._client.ledger.contradicts(f"order {order_id} was acknowledged, and then not found")

    def _begin(self, kind: Kind, mark: tuple[Any, ...]) -> Operation:
        return self._client.ledger.begin(kind, self._client.user_id, mark, self._key())

    def _key(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


async def take_step(client: Client, order_id: int, status: str, key: str) -> None:
    """Lead an order to a status; a step that an earlier try took is seen by reading the order."""
    operation = client.ledger.begin(Kind.STEP, client.user_id, (order_id, status), key)
    path = f"/api/v1/orders/{order_id}"
    answer = await client.send(operation, "PATCH", path, {"status": status})
    if answer is None:
        return
    if answer.status_code == 409 and operation.attempts > 1:
        found = await client.send(operation, "GET", path, None)
        if found is None:
            return
        if found.is_success and found.json()["status"] == status:
            operation.outcome, operation.answer = Outcome.ACKNOWLEDGED, found.json()
            return
    if answer.is_success:
        operation.outcome, operation.answer = Outcome.ACKNOWLEDGED, answer.json()
    else:
        client.ledger.contradicts(f"refused {answer.status_code} {answer.text[:120]}: {operation.describe()}")
