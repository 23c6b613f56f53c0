"""A scripted server for a test, and both clients of it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from both_clients import Both
from scripted_server import Script, Seen


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = script.answer(Seen(self.command, self.path, headers, body))
            if said.cut == 0:
                self.close_connection = True
                return
            content = said.body if isinstance(said.body, bytes) else b""
            if said.body is not None and not isinstance(said.body, bytes):
                content = json.dumps(said.body).encode()
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if said.status not in (204, 304):
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: said.cut])
            self.close_connection = said.cut is not None

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._respond)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    yield script
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture(params=["blocking", "async"])
def both(request: pytest.FixtureRequest, script: Script) -> Both:
    return Both(request.param, script.url)
