"""Standing headers, compression, metrics and access log for the control plane, as pure ASGI."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.data.compression import compressible, encoder, negotiate
from gateway.data.standing_headers import API_POLICY, SECURITY
from gateway.telemetry.trace_context import TraceContext

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gateway.data.compression import Encoder
    from gateway.data.request_head import RequestHead
    from gateway.runtime import Gateway


class Standing:
    """The outermost middleware of the control app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        await self._app(scope, receive, answer.send)
        answer.record()


class _Answer:
    def __init__(self, scope: Scope, send: Send) -> None:
        state = scope["state"]
        self._scope = scope
        self._send = send
        self._gateway: Gateway = state["gateway"]
        self._head: RequestHead = state["head"]
        self._trace = TraceContext(self._head.fields.get(b"traceparent"), 0.0)
        self._request_id = self._head.request_id() or self._trace.trace_id
        state["trace_id"] = self._trace.trace_hex
        self._started = time.perf_counter()
        self._status = 500
        self._encoder: Encoder | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message["headers"] = self._headers(message)
        elif self._encoder is not None:
            body = self._encoder.write(message.get("body", b""))
            if not message.get("more_body", False):
                body += self._encoder.finish()
            message["body"] = body
        await self._send(message)

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
        fields = {name.lower(): value for name, value in headers}
        length = int(fields[b"content-length"]) if b"content-length" in fields else None
        if compressible(self._status, fields, length):
            coding = negotiate(self._head.fields.get(b"accept-encoding", b"identity"))
            if coding is not None:
                headers = [h for h in headers if h[0].lower() not in (b"content-length", b"etag")]
                headers.append((b"content-encoding", coding))
                self._encoder = encoder(coding)
            if b"vary" not in fields:
                headers.append((b"vary", b"Accept-Encoding"))
        headers += [
            (b"x-request-id", self._request_id),
            (b"traceresponse", self._trace.traceresponse()),
            *SECURITY,
        ]
        if b"content-security-policy" not in fields:
            headers.append((b"content-security-policy", API_POLICY))
        return headers

    def record(self) -> None:
        seconds = time.perf_counter() - self._started
        path = self._scope["path"]
        route = path if not path.startswith("/docs/") else "/docs/assets"
        self._gateway.metrics.request(route, self._scope["method"], self._status, seconds)
        self._gateway.access_log.line(
            method=self._scope["method"],
            path=path,
            status=self._status,
            duration_ms=round(seconds * 1000, 2),
            client=self._scope["state"]["peer"],
            request_id=self._request_id.decode("ascii"),
            trace_id=self._trace.trace_hex,
        )
