"""A channel that tells its publications' outcomes by delivery tag, many with one acknowledgement.

aiormq's own keeps a future for each message. A returned message (mandatory, no queue took it) comes before its
acknowledgement, which says only that the broker has dealt with it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import aiormq
from aiormq.abc import AbstractConnection, ConfirmationFrameType
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

Outcome: TypeAlias = Literal["confirmed", "unroutable", "refused"]


@dataclass(slots=True)
class InFlight:
    """A publication without an outcome; ``key`` is the caller's, ``sent_at`` the loop's time."""

    key: int
    message_id: str
    sent_at: float


class ConfirmChannel(aiormq.Channel):
    """Delivery tags count the publications of a channel from one on (RabbitMQ, publisher confirms)."""

    def __init__(
        self, connection: AbstractConnection, number: int, *, settled: Callable[[list[tuple[InFlight, Outcome]]], None]
    ) -> None:
        super().__init__(connection, number, publisher_confirms=True, frame_buffer=0)
        self._settled = settled
        self._published = 0
        self._returned: set[str] = set()
        # In the order of the tags, so that an acknowledgement of many takes from the front.
        self.in_flight: dict[int, InFlight] = {}

    def published(self, publication: InFlight) -> None:
        """Count what is written next."""
        self._published += 1
        self.in_flight[self._published] = publication

    async def _on_return_frame(self, frame: commands.Basic.Return) -> None:  # noqa: ARG002 - the library's signature
        header = await self._get_frame()
        if not isinstance(header, ContentHeader):
            raise TypeError(f"{type(header).__name__} in the place of a returned message's header")
        missing = header.body_size
        while missing > 0:
            body = await self._get_frame()
            if not isinstance(body, ContentBody):
                raise TypeError(f"{type(body).__name__} in the place of a returned message's body")
            missing -= len(body.value)
        self._returned.add(str(header.properties.message_id))

    async def _on_confirm_frame(self, frame: ConfirmationFrameType) -> None:
        last = frame.delivery_tag or 0
        tags = [last]
        if getattr(frame, "multiple", False):
            tags = []
            for tag in self.in_flight:
                if tag > last:
                    break
                tags.append(tag)
        publications = [self.in_flight.pop(tag) for tag in tags if tag in self.in_flight]
        acknowledged: Outcome = "confirmed" if isinstance(frame, commands.Basic.Ack) else "refused"
        if not self._returned:
            self._settled([(publication, acknowledged) for publication in publications])
            return
        settled: list[tuple[InFlight, Outcome]] = []
        for publication in publications:
            returned = publication.message_id in self._returned
            self._returned.discard(publication.message_id)
            settled.append((publication, "unroutable" if returned else acknowledged))
        self._settled(settled)
