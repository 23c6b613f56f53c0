"""One POST to an address that was checked: over TLS, bounded in time and bytes, and without a second look at DNS.

No library for HTTP stands here, since each looks names up by itself, follows what it is told, or unpacks what
it gets. h11 reads the answer, of which only the head matters.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import h11

from reports.delivering.resolving import HostNotFoundError, Resolver, find_addresses
from reports.domain.webhook_address import Address, Reach
from reports.domain.webhook_url import AddressRefused, Target, UrlRefused, read_target

CONNECT_SECONDS = 5.0
MOST_HEAD = 32 * 1024
_CHUNK = 16 * 1024
_GOODBYE_SECONDS = 0.5
# In this order: TimeoutError and SSLError are kinds of OSError.
_WORDS: Mapping[type[Exception], str] = {
    AddressRefused: "address_refused",
    UrlRefused: "url_refused",
    HostNotFoundError: "host_not_found",
    TimeoutError: "timed_out",
    ssl.SSLError: "tls_failed",
    OSError: "connection_failed",
    h11.ProtocolError: "bad_answer",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a POST ended: with a status of 2xx, or with an ``error`` and the status when there was an answer.

    ``error`` is a value of ``_WORDS``, or ``redirected``, ``answered_4xx``, ``answered_5xx``.
    """

    status_code: int | None = None
    error: str | None = None
    retry_after: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took it."""
        return self.error is None


class Poster:
    """Posts to webhooks; one a process."""

    def __init__(self, resolver: Resolver, reach: Reach, *, seconds: float, ca_file: Path | None = None) -> None:
        self._resolver = resolver
        self._reach = reach
        self._seconds = seconds
        self._tls = ssl.create_default_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        if ca_file is not None:
            self._tls.load_verify_locations(ca_file)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Post ``body`` and say how it ended, whatever the receiver does, within the time of one attempt."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(read_target(url), headers, body)
        except tuple(_WORDS) as error:
            return Outcome(error=next(word for kind, word in _WORDS.items() if isinstance(error, kind)))

    async def _post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Outcome:
        addresses = await find_addresses(self._resolver, target, self._reach)
        reader, writer = await self._connect(addresses, target)
        try:
            answer = await _exchange(reader, writer, _request(target, headers, body), body)
        finally:
            writer.transport.abort()
        return _outcome(answer)

    async def _connect(
        self, addresses: Sequence[Address], target: Target
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the first address that answers; the certificate must be the name's."""
        last: OSError = ConnectionError("no address")
        for address in addresses:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(
                        str(address), target.port, ssl=self._tls, server_hostname=target.host, limit=MOST_HEAD
                    )
            except ssl.SSLError:
                raise
            except OSError as error:
                last = error
        raise last


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> h11.Request:
    standing = {
        "host": target.authority,
        "user-agent": "Gatehouse-Webhooks/1",
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
    }
    return h11.Request(method="POST", target=target.path, headers=list({**standing, **headers}.items()))


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: h11.Request, body: bytes
) -> h11.Response:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEAD)
    head = connection.send(request) or b""
    content = connection.send(h11.Data(data=body)) or b""
    connection.send(h11.EndOfMessage())
    # A receiver may answer and close before it has read all: its answer counts.
    with suppress(ConnectionError):
        writer.write(head + content)
        await writer.drain()
    answer = await _read_head(reader, connection)
    if answer.status_code == 204 or (b"content-length", b"0") in answer.headers:  # noqa: PLR2004 - no content
        return answer
    # Whoever is cut off while still writing may take that for a failure; so a short body is heard out.
    with suppress(OSError):
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await reader.read(_CHUNK)
    return answer


async def _read_head(reader: asyncio.StreamReader, connection: h11.Connection) -> h11.Response:
    taken = 0
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Response):
            return event
        if event is h11.NEED_DATA:
            data = await reader.read(_CHUNK)
            taken += len(data)
            # Counted beside h11's own limit, which begins anew with each interim answer (1xx).
            if taken > MOST_HEAD:
                raise h11.RemoteProtocolError("the head is too long")
            connection.receive_data(data)
        elif not isinstance(event, h11.InformationalResponse):
            raise h11.RemoteProtocolError("no answer came")


def _outcome(answer: h11.Response) -> Outcome:
    status = answer.status_code
    if 200 <= status < 300:  # noqa: PLR2004 - what counts as taken
        return Outcome(status)
    retry_after = next((value.decode("latin-1") for name, value in answer.headers if name == b"retry-after"), None)
    if 300 <= status < 400:  # noqa: PLR2004 - never followed: where to was not checked by the owner's asking
        return Outcome(status, "redirected", retry_after)
    return Outcome(status, f"answered_{status // 100}xx", retry_after)
