"""A client that hangs up ends the work done for it, down to its SQL (TRAPS.md, forwarding 7).

asyncpg cancels the running statement when its task is cancelled, and the transaction rolls back.
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class CancelOnHangUp:
    """Cancels the handler when the client's connection closes before the answer is through.

    Only where nothing is written (GET, which a HEAD is by now): a write that has begun is worth finishing, and its
    answer can be asked for again by its Idempotency-Key.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app beside a watch on the client's connection."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        handler = asyncio.ensure_future(self._app(scope, _no_body(), send))
        watch = asyncio.create_task(_hung_up(receive))
        try:
            await asyncio.wait({handler, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not handler.done():
                handler.cancel("the client hung up")
            await asyncio.wait({handler})
            if not handler.cancelled():
                handler.result()
        finally:
            watch.cancel()
            handler.cancel()


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _no_body() -> Receive:
    empty = True

    async def receive() -> Message:
        nonlocal empty
        if empty:
            empty = False
            return {"type": "http.request", "body": b"", "more_body": False}
        return await asyncio.get_running_loop().create_future()

    return receive
