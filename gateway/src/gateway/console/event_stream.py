"""``text/event-stream`` for one watcher (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from gateway.console.access import Access
    from gateway.console.sampler import Sampler
    from gateway.runtime import Gateway

_LOOK_SECONDS = 1.0
_READ_SECONDS = 10.0


class EventStream(Response):
    """First ``history``, then a ``sample`` whenever there is a new one; ``end`` with the reason when it is over.

    It ends when the token does, when the gateway drains, and when its reader has gone or takes nothing for ten seconds:
    a sample that was not read is left out, so that nothing is kept for a slow reader.
    """

    media_type = "text/event-stream"

    def __init__(self, gateway: Gateway, sampler: Sampler, access: Access) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._gateway = gateway
        self._sampler = sampler
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """The sampler was joined before; it is left here."""
        tasks = [asyncio.ensure_future(self._tell(send)), asyncio.ensure_future(_gone(receive))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._sampler.leave()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await _event(send, b"history", self._sampler.history())
        number = 0
        while True:
            if reason := self._over():
                await _event(send, b"end", b'{"reason":"%b"}' % reason)
                await send({"type": "http.response.body", "body": b""})
                return
            if await self._sampler.after(number, _LOOK_SECONDS):
                number = self._sampler.number
                await _event(send, b"sample", self._sampler.latest)

    def _over(self) -> bytes | None:
        if self._gateway.draining:
            return b"draining"
        return None if self._access.holds() else b"token_ended"


async def _event(send: Send, name: bytes, data: bytes) -> None:
    async with asyncio.timeout(_READ_SECONDS):
        body = b"event: %b\ndata: %b\n\n" % (name, data)
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
