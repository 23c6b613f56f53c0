"""A raw upstream: answers as a service would until a test gives it a worse manner."""

import asyncio
import contextlib
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson

from gateway_testing.tokens import Issuer


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    raw_head: bytes = b""

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


@dataclass
class Call:
    """What a manner works with."""

    seen: Seen
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    nth: int  # of this connection

    async def read_body(self) -> bytes:
        if self.seen.get("transfer-encoding") == "chunked":
            while (size := int((await self.reader.readline()).strip(), 16)) > 0:
                self.seen.body += await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
        else:
            self.seen.body = await self.reader.readexactly(int(self.seen.get("content-length") or 0))
        return self.seen.body

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, status: int, body: bytes = b"", *headers: tuple[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} X"] + [f"{name}: {value}" for name, value in headers]
        if status != 304:
            lines.append(f"content-length: {len(body)}")
        if self.seen.method == "HEAD":
            body = b""
        await self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    async def hung_up(self, seconds: float = 60.0) -> bool:
        """Whether the gateway closes the connection."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(seconds):
                while await self.reader.read(65536):
                    pass
                return True
        return False


Manner = Callable[[Call], Awaitable[None]]


class RawUpstream:
    """Serves keys, key exchange, health and a document always; ``manner`` answers the rest."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.port = 0
        self.seen: list[Seen] = []
        self.connections = 0
        self.key_fetches = 0
        self.exchanges = 0
        self.exchanges_ended = 0
        self.document_fetches = 0
        self.manner: Manner = echo
        self.issuer_down = False
        self.gateway_known = True
        self.exchange_seconds = 0.05
        self.exchanges_held: asyncio.Event | None = None
        self.api_keys: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    def close_connections(self) -> None:
        """Close what is open, as a service does with connections that were idle for long."""
        for writer in self._writers:
            writer.close()

    def reset(self) -> None:
        self.manner = echo
        self.seen = []
        self.issuer_down = False
        self.gateway_known = True
        self.api_keys = {}

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.connections += 1
        nth = 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                nth += 1
                call = Call(_parse(head), reader, writer, nth)
                if not await self._standing(call):
                    self.seen.append(call.seen)
                    await self.manner(call)
                if writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _standing(self, call: Call) -> bool:
        target = call.seen.target
        if target == "/jwks.json":
            self.key_fetches += 1
            if self.issuer_down:
                await call.answer(500)
            else:
                await call.answer(200, self.issuer.jwks(), ("content-type", "application/json"))
        elif target == "/internal/api-keys/exchange":
            self.exchanges += 1
            key = orjson.loads(await call.read_body())["api_key"]
            await asyncio.sleep(self.exchange_seconds)
            if self.exchanges_held is not None:
                await self.exchanges_held.wait()
            self.exchanges_ended += 1
            if self.issuer_down:
                await call.answer(503)
            elif not self.gateway_known or call.seen.get("authorization") != GATEWAY:
                await call.answer(401, b'{"error": "invalid_client", "error_description": "x"}')
            elif key in self.api_keys:
                body = {"access_token": self.api_keys[key], "token_type": "Bearer", "expires_in": 60}
                await call.answer(200, orjson.dumps(body))
            else:
                await call.answer(401, b"{}")
        elif target == "/health/ready":
            await call.answer(200, b"{}")
        elif target == "/openapi.json":
            self.document_fetches += 1
            await call.answer(200, orjson.dumps(DOCUMENT), ("content-type", "application/json"))
        else:
            return False
        return True


# The gateway's name and its secret of development, which a process of a test has.
GATEWAY = "Basic " + b64encode(b"gateway:gatehouse-development-gateway-secret-of-nobody").decode()


async def echo(call: Call) -> None:
    """200 with what arrived."""
    await call.read_body()
    seen = call.seen
    body = orjson.dumps({"method": seen.method, "target": seen.target, "headers": seen.headers, "size": len(seen.body)})
    await call.answer(200, body, ("content-type", "application/json"), ("server", "raw"), ("etag", '"1"'))


def _parse(head: bytes) -> Seen:
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Seen(method, target, headers, raw_head=head)


DOCUMENT = {
    "openapi": "3.1.0",
    "paths": {
        "/api/v1/things": {
            "get": {
                "operationId": "list",
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/T"}}}}},
            }
        },
        "/api/v1/things/{thing_id}": {"get": {"operationId": "show", "responses": {}}},
        "/api/v2/things/{thing_id}": {"get": {"operationId": "show2", "responses": {}}},
        "/api/v1/private": {"get": {"operationId": "private", "responses": {}}},
        "/internal/api-keys/exchange": {"post": {"operationId": "secret", "responses": {}}},
    },
    "components": {"schemas": {"T": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/T"}}}}},
}
