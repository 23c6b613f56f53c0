"""The shopkeeper's imports: files of new products, each with SKUs that no other file has."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from chaos.ledger import Kind, Outcome

if TYPE_CHECKING:
    from random import Random

    from chaos.client import Client

ROWS = 80
"""Of one file; all of them are new, so that a file taken twice shows in their versions."""


def sku_of(batch: int, row: int) -> str:
    """The SKU of a row of a file."""
    return f"IMPORT-{batch}-{row}"


class Importer:
    """Sends one file after the other."""

    def __init__(self, client: Client, random: Random) -> None:
        self._client = client
        self._random = random
        self._batch = 0

    async def bring(self) -> None:
        """One file, sent until it is taken; its rows are looked at after the storm."""
        self._batch += 1
        rows = "".join(f"{sku_of(self._batch, row)},Cup {row},4.50,{row}\n" for row in range(ROWS))
        key = str(UUID(int=self._random.getrandbits(128), version=4))
        operation = self._client.ledger.begin(Kind.IMPORT, self._client.user_id, (self._batch,), key)
        content = f"sku,name,price,stock\n{rows}".encode()
        answer = await self._client.send(operation, "POST", "/api/v1/products/imports", content)
        if answer is None:
            return
        if answer.status_code == 202:
            operation.outcome, operation.answer = Outcome.ACKNOWLEDGED, answer.json()
        elif answer.status_code == 409:
            # Too many are not finished: this one was not taken.
            operation.outcome = Outcome.REFUSED
        else:
            self._client.ledger.contradicts(f"refused {answer.status_code} {answer.text[:120]}: {operation.describe()}")
