"""People who change their picture: each is of one colour, so that what is shown tells which one it is."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING
from uuid import uuid4

from PIL import Image

from chaos.end_state import AvatarRow
from chaos.ledger import Kind, Outcome

if TYPE_CHECKING:
    from chaos.client import Client

SIZES = (128, 256, 512)
_LEVELS = 8
_COLOURS = _LEVELS**2


class Sitter:
    """Sends one picture after the other."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._number = 0

    async def sit(self) -> None:
        """One picture, sent until it is taken; the newest is the one that counts."""
        self._number += 1
        operation = self._client.ledger.begin(
            Kind.AVATAR, self._client.user_id, (self._number % _COLOURS,), str(uuid4())
        )
        path = f"/api/v1/users/{self._client.user_id}/avatar"
        answer = await self._client.send(operation, "PUT", path, _picture(self._number), media_type="image/png")
        if answer is None:
            return
        if answer.status_code == 202:
            operation.outcome, operation.answer = Outcome.ACKNOWLEDGED, answer.json()
        else:
            self._client.ledger.contradicts(f"refused {answer.status_code} {answer.text[:120]}: {operation.describe()}")

    async def row(self) -> AvatarRow:
        """What is shown now, in each size."""
        shown: dict[int, int | None] = {}
        for size in SIZES:
            answer = await self._client.content(f"/api/v1/users/{self._client.user_id}/avatar?size={size}")
            shown[size] = _number_of(answer.content, size) if answer.status_code == 200 else None
        return AvatarRow(self._client.user_id, shown)


def _picture(number: int) -> bytes:
    wanted = number % _COLOURS
    colour = (16 + 32 * (wanted % _LEVELS), 16 + 32 * (wanted // _LEVELS), 128)
    written = BytesIO()
    Image.new("RGB", (600, 600), colour).save(written, "PNG")
    return written.getvalue()


def _number_of(content: bytes, size: int) -> int | None:
    """Which picture it is; None when it is no WebP of this size."""
    with Image.open(BytesIO(content)) as image:
        if image.format != "WEBP" or image.size != (size, size):
            return None
        red, green, _ = image.convert("RGB").resize((1, 1)).getpixel((0, 0))
    # What was squeezed into WebP is off by a few of 256.
    return red // 32 + _LEVELS * (green // 32)
