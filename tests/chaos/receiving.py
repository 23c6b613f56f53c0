"""A receiver of webhooks outside of the system: HTTPS, on a loopback address that the system is told to allow.

It verifies what comes by Standard Webhooks' own library, and has its bad moments: of some messages it turns the first
delivery away.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zlib import crc32

import trustme
from standardwebhooks import Webhook, WebhookVerificationError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

ADDRESS = "127.0.0.2"
_TURNED_AWAY = 10
"""Of so many messages one is turned away at first."""


@dataclass(frozen=True)
class Delivery:
    """One POST as it came: for which webhook by its path, of which message, and what is wrong with it."""

    path: str
    message_id: str
    taken: bool
    fault: str = ""


@dataclass
class Receiver:
    """Where webhooks lead to; ``secrets`` are by path, as each was told when its webhook was made."""

    port: int = 0
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    _seen: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def url(self, path: str) -> str:
        """Where to post."""
        return f"https://{ADDRESS}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        # A worker that is killed leaves half a request.
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *rest = head.split("\r\n")
            headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in rest if each)}
            body = await reader.readexactly(int(headers["content-length"]))
            status = self.take(line.split(" ")[1], headers, body)
            writer.write(f"HTTP/1.1 {status} Word\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Note one delivery; the status that it is answered with."""
        message_id = headers.get("webhook-id", "")
        first = (path, message_id) not in self._seen
        self._seen.add((path, message_id))
        taken = not first or crc32(message_id.encode()) % _TURNED_AWAY > 0
        self.deliveries.append(Delivery(path, message_id, taken, self._fault(path, headers, body)))
        return 204 if taken else 503

    def _fault(self, path: str, headers: dict[str, str], body: bytes) -> str:
        if path not in self.secrets:
            return "nobody's webhook"
        try:
            Webhook(self.secrets[path]).verify(body, headers)
        except (WebhookVerificationError, json.JSONDecodeError) as error:
            return f"its signature: {error}"
        return ""


class OwnAuthority:
    """Signs the receiver's certificate; ``file`` is what the system is given to trust it."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.file = folder / "receivers-ca.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    @asynccontextmanager
    async def receiver(self) -> AsyncGenerator[Receiver]:
        """A receiver while the block runs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(ADDRESS).configure_cert(context)
        receiver = Receiver()
        server = await asyncio.start_server(receiver.serve, ADDRESS, 0, ssl=context)
        receiver.port = server.sockets[0].getsockname()[1]
        try:
            yield receiver
        finally:
            server.close()
