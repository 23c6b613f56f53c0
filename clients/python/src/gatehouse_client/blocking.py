"""Sends and waits as the rules say, and blocks meanwhile; may be used by several threads at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
from gatehouse_client.uploads import pieces, size_of


@dataclass(frozen=True)
class Caller:
    """Makes calls; what the resources stand on."""

    http: httpx.Client
    url: str
    state: State
    manners: Manners
    renewal: threading.Lock = field(default_factory=threading.Lock)

    def raw(self, call: Call) -> httpx.Response:
        """The answer as it came, of a status below 400. Raises GatehouseError."""
        flow = exchange(call, self.state, self.manners)
        outcome: Outcome = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as end:
                response: httpx.Response = end.value
                return response
            outcome = self._do(step)

    def model(self, call: Call, kind: type[Read]) -> Read:
        """The answer's body."""
        return decoded(self.raw(call), kind)

    def nothing(self, call: Call) -> None:
        """The answer has no body."""
        self.raw(call)

    def content(self, call: Call) -> bytes:
        """The answer's body as it is."""
        return self.raw(call).content

    def download(self, call: Call, target: Path | str) -> Path:
        """The answer's body in a file, which is there when it is whole."""
        resuming = Resuming(self.manners)
        with Download(call, Path(target)) as download:
            while True:
                before = download.received
                try:
                    with self._streamed(download.next_call()) as response:
                        download.begin(response)
                        for piece in response.iter_bytes():
                            download.write(piece)
                    return download.finish()
                except httpx.TransportError as error:
                    if download.received > before:
                        resuming.went_on()
                    time.sleep(resuming.wait(error))

    def pages(self, call: Call, kind: type[Page[Item]]) -> Pages[Item]:
        """The items of a list."""
        return Pages(self, call, kind)

    def events(self, call: Call) -> Iterator[Event]:
        """The events of a stream to the last one; a connection that breaks is made again."""
        stream, resuming = EventStream(), Resuming(self.manners)
        while True:
            failure: Exception | None = None
            try:
                seen = {"Last_Event_ID": stream.last_id} if stream.last_id is not None else {}
                with self._streamed(call.with_headers(Accept="text/event-stream", **seen)) as response:
                    for piece in response.iter_bytes():
                        for event in stream.feed(piece):
                            resuming.went_on()
                            yield event
                            if event.is_last:
                                return
            except httpx.TransportError as error:
                failure = error
            stream.broken()
            time.sleep(resuming.wait(failure, stream.retry_seconds))

    @contextmanager
    def _streamed(self, call: Call) -> Iterator[httpx.Response]:
        response = self.raw(replace(call, streamed=True))
        try:
            yield response
        finally:
            response.close()

    def _do(self, step: Step) -> Outcome:
        match step:
            case Send():
                return self._send(step)
            case Wait():
                time.sleep(step.seconds)
            case Renew():
                self._renew(step.used)
        return None

    def _send(self, step: Send) -> Outcome:
        call = step.call
        headers, content = dict(step.headers), call.content
        if content is not None and not isinstance(content, bytes):
            headers["Content-Length"] = str(size_of(content))
            content = pieces(content)
        try:
            request = self.http.build_request(
                call.method,
                self.url + call.path,
                params=call.query or None,
                headers=headers,
                content=content,
                timeout=step.seconds,
            )
            response = self.http.send(request, stream=True)
            if not (call.streamed and response.is_success):
                response.read()
        except httpx.TransportError as error:
            return error
        return response

    def _renew(self, used: Credential) -> None:
        with self.renewal:
            if self.state.credential is not used:
                return
            try:
                self.state.keep(renewed(used, self.raw(renewing_call(used))))
            except GatehouseError as error:
                raise not_renewed(self.state, used, error) from error


class Pages(Generic[Item]):
    """A list: iterate over all its items, fetched page by page, or ask for one page."""

    def __init__(self, caller: Caller, call: Call, kind: type[Page[Item]]) -> None:
        self._caller = caller
        self._call = call
        self._kind = kind

    def page(self, number: int | None = None) -> Page[Item]:
        """One page, by default the one that was asked for."""
        return self._caller.model(self._call if number is None else turned(self._call, number), self._kind)

    def __iter__(self) -> Iterator[Item]:
        turning: Turning[Item] = Turning()
        page = self.page()
        while True:
            yield from turning.new(page)
            if turning.is_last(page):
                return
            page = self.page(page.page + 1)
