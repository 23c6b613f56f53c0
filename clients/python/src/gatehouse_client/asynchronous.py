"""Sends and waits as the rules say, without blocking the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic

import httpx

from gatehouse_client.call import Call
from gatehouse_client.credentials import Credential
from gatehouse_client.decoding import Read, decoded
from gatehouse_client.download import Download
from gatehouse_client.errors import GatehouseError
from gatehouse_client.exchange import Outcome, Renew, Send, Step, Wait, exchange
from gatehouse_client.manners import Manners
from gatehouse_client.model import Item, Page
from gatehouse_client.paging import Turning, turned
from gatehouse_client.renewing import not_renewed, renewed, renewing_call
from gatehouse_client.resuming import Resuming
from gatehouse_client.server_events import Event, EventStream
from gatehouse_client.state import State
from gatehouse_client.uploads import async_pieces, size_of


@dataclass(frozen=True)
class AsyncCaller:
    """Makes calls; what the resources stand on."""

    http: httpx.AsyncClient
    url: str
    state: State
    manners: Manners
    renewals: dict[Credential, asyncio.Task[None]] = field(default_factory=dict[Credential, "asyncio.Task[None]"])

    async def raw(self, call: Call) -> httpx.Response:
        """The answer as it came, of a status below 400. Raises GatehouseError."""
        flow = exchange(call, self.state, self.manners)
        outcome: Outcome = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as end:
                response: httpx.Response = end.value
                return response
            outcome = await self._do(step)

    async def model(self, call: Call, kind: type[Read]) -> Read:
        """The answer's body."""
        return decoded(await self.raw(call), kind)

    async def nothing(self, call: Call) -> None:
        """The answer has no body."""
        await self.raw(call)

    async def content(self, call: Call) -> bytes:
        """The answer's body as it is."""
        return (await self.raw(call)).content

    async def download(self, call: Call, target: Path | str) -> Path:
        """The answer's body in a file, which is there when it is whole."""
        resuming = Resuming(self.manners)
        with Download(call, Path(target)) as download:
            while True:
                before = download.received
                try:
                    async with self._streamed(download.next_call()) as response:
                        download.begin(response)
                        async for piece in response.aiter_bytes():
                            await asyncio.to_thread(download.write, piece)
                    return download.finish()
                except httpx.TransportError as error:
                    if download.received > before:
                        resuming.went_on()
                    await asyncio.sleep(resuming.wait(error))

    def pages(self, call: Call, kind: type[Page[Item]]) -> AsyncPages[Item]:
        """The items of a list."""
        return AsyncPages(self, call, kind)

    async def events(self, call: Call) -> AsyncIterator[Event]:
        """The events of a stream to the last one; a connection that breaks is made again."""
        stream, resuming = EventStream(), Resuming(self.manners)
        while True:
            failure: Exception | None = None
            try:
                seen = {"Last_Event_ID": stream.last_id} if stream.last_id is not None else {}
                async with self._streamed(call.with_headers(Accept="text/event-stream", **seen)) as response:
                    async for piece in response.aiter_bytes():
                        for event in stream.feed(piece):
                            resuming.went_on()
                            yield event
                            if event.is_last:
                                return
            except httpx.TransportError as error:
                failure = error
            stream.broken()
            await asyncio.sleep(resuming.wait(failure, stream.retry_seconds))

    @asynccontextmanager
    async def _streamed(self, call: Call) -> AsyncIterator[httpx.Response]:
        response = await self.raw(replace(call, streamed=True))
        try:
            yield response
        finally:
            await response.aclose()

    async def _do(self, step: Step) -> Outcome:
        match step:
            case Send():
                return await self._send(step)
            case Wait():
                await asyncio.sleep(step.seconds)
            case Renew():
                await self._renew(step.used)
        return None

    async def _send(self, step: Send) -> Outcome:
        call = step.call
        headers, content = dict(step.headers), call.content
        if content is not None and not isinstance(content, bytes):
            headers["Content-Length"] = str(size_of(content))
            content = async_pieces(content)
        try:
            request = self.http.build_request(
                call.method,
                self.url + call.path,
                params=call.query or None,
                headers=headers,
                content=content,
                timeout=step.seconds,
            )
            response = await self.http.send(request, stream=True)
            if not (call.streamed and response.is_success):
                await response.aread()
        except httpx.TransportError as error:
            return error
        return response

    async def _renew(self, used: Credential) -> None:
        if self.state.credential is not used:
            return
        renewal = self.renewals.get(used)
        if renewal is None:
            renewal = self.renewals[used] = asyncio.create_task(self._fetch_token(used))
            renewal.add_done_callback(lambda done: self._renewal_ended(used, done))
        # Whoever waits may be cancelled; the pair that is on its way is the only one there is.
        await asyncio.shield(renewal)

    async def renewals_ended(self) -> None:
        """Wait for the tokens that are on their way."""
        await asyncio.gather(*self.renewals.values(), return_exceptions=True)

    def _renewal_ended(self, used: Credential, done: asyncio.Task[None]) -> None:
        self.renewals.pop(used, None)
        if not done.cancelled():
            done.exception()  # seen, also when nobody waits any longer

    async def _fetch_token(self, used: Credential) -> None:
        try:
            self.state.keep(renewed(used, await self.raw(renewing_call(used))))
        except GatehouseError as error:
            raise not_renewed(self.state, used, error) from error


class AsyncPages(Generic[Item]):
    """A list: iterate (``async for``) over all its items, fetched page by page, or ask for one page."""

    def __init__(self, caller: AsyncCaller, call: Call, kind: type[Page[Item]]) -> None:
        self._caller = caller
        self._call = call
        self._kind = kind

    async def page(self, number: int | None = None) -> Page[Item]:
        """One page, by default the one that was asked for."""
        return await self._caller.model(self._call if number is None else turned(self._call, number), self._kind)

    async def __aiter__(self) -> AsyncIterator[Item]:
        turning: Turning[Item] = Turning()
        page = await self.page()
        while True:
            for item in turning.new(page):
                yield item
            if turning.is_last(page):
                return
            page = await self.page(page.page + 1)
