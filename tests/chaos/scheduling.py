"""People whose reports are made by the clock, each minute; the clock is stopped after the storm."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chaos.ledger import Kind, Outcome

if TYPE_CHECKING:
    from random import Random

    from chaos.client import Client


class Planner:
    """Sets one clock in the storm, under an Idempotency-Key, and stops it at the end."""

    def __init__(self, client: Client, random: Random) -> None:
        self._client = client
        self._random = random
        self._id = 0

    async def plan(self) -> None:
        """Set the clock, once."""
        if self._id:
            return
        body = {"cron": "* * * * *", "type": "order_summary", "format": "json", "notify": False}
        key = str(UUID(int=self._random.getrandbits(128), version=4))
        operation = self._client.ledger.begin(Kind.SCHEDULE, self._client.user_id, (), key)
        answer = await self._client.send(operation, "POST", "/api/v1/report-schedules", body)
        if answer is None:
            return
        if answer.status_code == 201:
            operation.outcome, operation.answer = Outcome.ACKNOWLEDGED, answer.json()
            self._id = answer.json()["id"]
        else:
            self._client.ledger.contradicts(f"refused {answer.status_code} {answer.text[:120]}: {operation.describe()}")

    async def has_ended(self) -> bool:
        """Whether the report of the last full minute was asked for by the clock, which then is stopped."""
        if not self._id:
            return True
        path = f"/api/v1/report-schedules/{self._id}"
        found = await self._client.must("GET", path)
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        if found["last_run_at"] is None or datetime.fromisoformat(found["last_run_at"]) < minute:
            return False
        await self._client.delete(path)
        self._id = 0
        return True
