"""What lies outside of the system in the tests: a name server and receivers of webhooks, real ones, on loopback.

Receivers are at 127.0.0.2, which the tests' settings allow; 127.0.0.1 stays as refused as it is for everyone.
"""

import asyncio
import ipaddress
import ssl
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import dns.message
import dns.rdatatype
import dns.rrset
import pytest
import pytest_asyncio
import trustme

ALLOWED = "127.0.0.2"
NAME = "receiver.hooks.test"


class NameServer(asyncio.DatagramProtocol):
    """Answers from a table; of several answers the first is given once, the last for ever."""

    def __init__(self) -> None:
        self.table: dict[str, list[list[str]]] = {}
        self.asked: Counter[str] = Counter()
        self._given: defaultdict[str, set[str]] = defaultdict(set)
        self.port = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        reply = dns.message.make_response(query)
        kind = dns.rdatatype.to_text(question.rdtype)
        if name not in self.table:
            reply.set_rcode(3)
        else:
            # The next answer comes once both kinds were asked for.
            if kind in self._given[name]:
                self._given[name].clear()
                self.table[name] = self.table[name][1:] or self.table[name]
            self._given[name].add(kind)
            self.asked[name] += kind == "A"
            version = 4 if kind == "A" else 6
            found = [text for text in self.table[name][0] if ipaddress.ip_address(text).version == version]
            if found:
                reply.answer.append(dns.rrset.from_text(question.name, 0, "IN", kind, *found))
        self._transport.sendto(reply.to_wire(), addr)


@dataclass(frozen=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes
    server_name: str | None


Behaviour: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """Takes POSTs over TLS. ``answers`` has for a path what to answer, one after the other, the last for ever."""

    port: int = 0
    connections: int = 0
    received: list[Received] = field(default_factory=list)
    answers: defaultdict[str, list[int | bytes | Behaviour]] = field(default_factory=lambda: defaultdict(lambda: [204]))
    in_hand: Counter[str] = field(default_factory=Counter)
    most_in_hand: Counter[str] = field(default_factory=Counter)

    def at(self, path: str) -> list[Received]:
        return [each for each in self.received if each.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *rest = head.split("\r\n")
            path = line.split(" ")[1]
            headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in rest if each)}
            body = await reader.readexactly(int(headers["content-length"]))
            server_name = getattr(writer.get_extra_info("ssl_object"), "asked_name", None)
            self.received.append(Received(path, headers, body, server_name))
            self.in_hand[path] += 1
            self.most_in_hand[path] = max(self.most_in_hand[path], self.in_hand[path])
            try:
                await self._answer(path, reader, writer)
            finally:
                self.in_hand[path] -= 1
        writer.close()

    async def _answer(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = self.answers[path]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, int):
            answer = f"HTTP/1.1 {answer} Word\r\nContent-Length: 0\r\n\r\n".encode()
        if isinstance(answer, bytes):
            writer.write(answer)
            await writer.drain()
        else:
            await answer(reader, writer)


@dataclass
class Outside:
    authority: trustme.CA
    ca_file: Path
    names: NameServer
    receiver: Receiver
    trap: Receiver
    """At 127.0.0.1, which nobody may be led to; its certificate is good for every name the tests use."""

    def url(self, path: str, name: str = NAME) -> str:
        return f"https://{name}:{self.receiver.port}{path}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "WEBHOOKS_ALLOW": f"{ALLOWED}/32",
            "WEBHOOKS_CA_FILE": str(self.ca_file),
            "WEBHOOKS_DNS": f"127.0.0.1:{self.names.port}",
            "WEBHOOKS_PORTS": f"443,{self.trap.port}",
        }


@asynccontextmanager
async def listening(authority: trustme.CA, address: str, *names: str) -> AsyncIterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)

    def note_name(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        tls.asked_name = name  # type: ignore[attr-defined]

    context.sni_callback = note_name
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, address, 0, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    yield receiver
    server.close()


@pytest_asyncio.fixture(scope="session")
async def outside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outside]:
    authority = trustme.CA()
    ca_file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(NameServer, ("127.0.0.1", 0))
    names.table[NAME] = [[ALLOWED]]
    async with (
        listening(authority, ALLOWED, NAME, "*.hooks.test", ALLOWED) as receiver,
        listening(authority, "127.0.0.1", NAME, "*.hooks.test", "127.0.0.1") as trap,
    ):
        yield Outside(authority, ca_file, names, receiver, trap)
    transport.close()
