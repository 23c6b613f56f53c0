"""Webhooks of some who buy, and of the shopkeeper about everybody: made before the storm, looked at after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chaos.end_state import HookRow

if TYPE_CHECKING:
    from chaos.client import Client
    from chaos.receiving import Receiver

ORDER_EVENTS = tuple(f"orders.{step}.v1" for step in ("placed", "paid", "shipped", "delivered", "cancelled"))
_SOON = timedelta(seconds=15)
_PAGE = 100


class Hook:
    """One webhook, its owner and what it hears."""

    def __init__(self, client: Client, receiver: Receiver, events: tuple[str, ...], *, everybody: bool = False) -> None:
        self._client = client
        self._receiver = receiver
        self._events = events
        self._everybody = everybody
        self._path = f"/hooks/{client.user_id}"
        self._id = 0

    async def make(self) -> None:
        """Make it; what it hears of happens from now on."""
        body = {"url": self._receiver.url(self._path), "events": list(self._events), "all": self._everybody}
        made = await self._client.must("POST", "/api/v1/webhooks", body)
        self._id = made["id"]
        self._receiver.secrets[self._path] = made["secret"]

    async def pending(self) -> list[dict[str, Any]]:
        """What is not delivered yet."""
        return await self._deliveries("&status=pending")

    async def hasten(self) -> None:
        """Ask by hand for what would be tried again in minutes only, as its owner may."""
        for delivery in await self.pending():
            due = delivery["next_attempt_at"]
            if due is not None and datetime.fromisoformat(due) > datetime.now(UTC) + _SOON:
                path = f"/api/v1/webhooks/{self._id}/deliveries/{delivery['id']}/redeliver"
                await self._client.once("redeliver", "POST", path)

    async def row(self) -> HookRow:
        """What is left of it: its log, and what came at the receiver."""
        log = {each["message_id"]: each["status"] for each in await self._deliveries("")}
        came = [delivery for delivery in self._receiver.deliveries if delivery.path == self._path]
        return HookRow(
            user_id=None if self._everybody else self._client.user_id,
            events=self._events,
            log=log,
            taken=frozenset(delivery.message_id for delivery in came if delivery.taken),
            faults=tuple(f"{delivery.message_id}: {delivery.fault}" for delivery in came if delivery.fault),
        )

    async def _deliveries(self, wanted: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            number = len(found) // _PAGE + 1
            path = f"/api/v1/webhooks/{self._id}/deliveries?page={number}&page_size={_PAGE}{wanted}"
            page = await self._client.must("GET", path)
            found += page["items"]
            if len(page["items"]) < _PAGE:
                return found
