"""A receiver of webhooks outside of the system: HTTPS on a loopback address that the system is told to allow."""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

ADDRESS = "127.0.0.2"
"""Not 127.0.0.1, which stays refused as it is for everyone."""


@dataclass(frozen=True)
class Delivered:
    """One POST as it came."""

    headers: Mapping[str, str]
    body: bytes


@dataclass
class HttpsReceiver:
    """Takes every POST and answers 204."""

    port: int
    received: list[Delivered] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where to post."""
        return f"https://{ADDRESS}:{self.port}/hook"


class OwnAuthority:
    """Signs the receiver's certificate; the system is given its file."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.file = folder / "receivers-ca.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    @contextmanager
    def receiver(self) -> Iterator[HttpsReceiver]:
        """A receiver while the block runs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(ADDRESS).configure_cert(context)
        found = HttpsReceiver(0)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                found.received.append(Delivered(dict(self.headers), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        with ThreadingHTTPServer((ADDRESS, 0), Handler) as server:
            server.socket = context.wrap_socket(server.socket, server_side=True)
            found.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield found
            server.shutdown()
            thread.join()
