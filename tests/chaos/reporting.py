"""People who ask for reports, each with a period that nobody else asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chaos.ledger import Kind, Outcome

if TYPE_CHECKING:
    from random import Random

    from chaos.client import Client

_FIRST = datetime(2001, 1, 1, tzinfo=UTC)
_FORMATS = ("json", "csv", "json", "csv", "pdf")
_IMPATIENT = 0.08


class Reader:
    """Asks for one report after the other."""

    def __init__(self, client: Client, random: Random) -> None:
        self._client = client
        self._random = random
        self._number = 0

    async def ask(self) -> None:
        """One report, asked for until that is acknowledged; its making is looked at after the storm."""
        self._number += 1
        since = (_FIRST + timedelta(seconds=self._number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {
            "type": self._random.choice(("order_summary", "user_activity")),
            "format": _FORMATS[self._number % len(_FORMATS)],
            "params": {"from": since},
        }
        key = str(UUID(int=self._random.getrandbits(128), version=4))
        operation = self._client.ledger.begin(Kind.REPORT, self._client.user_id, (since,), key)
        patient = self._random.random() > _IMPATIENT
        answer = await self._client.send(operation, "POST", "/api/v1/reports", body, patient=patient)
        if answer is None:
            return
        if answer.status_code == 202:
            operation.outcome, operation.answer = Outcome.ACKNOWLEDGED, answer.json()
        elif answer.json().get("code") == "too_many_reports":
            operation.outcome = Outcome.REFUSED
        else:
            self._client.ledger.contradicts(f"refused {answer.status_code} {answer.text[:120]}: {operation.describe()}")
