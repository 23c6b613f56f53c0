"""Standing headers, compression, metrics, access log and span for the control plane, as pure ASGI."""

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

_PROBES = frozenset({"/health/live", "/health/ready", "/metrics"})
# Paths below these are told apart by no label: what is below may be anybody's.
_TOGETHER = ("/docs/assets", "/console/assets", "/console/traces")


class Standing:
    """Around the whole control app, so that an answer to what nobody foresaw has its headers too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        try:
            await self._app(scope, receive, answer.send)
        finally:
            answer.record()


class _Answer:
    def __init__(self, scope: Scope, send: Send) -> None:
        state = scope["state"]
        self._scope = scope
        self._send = send
        self._gateway: Gateway = state["gateway"]
        self._head: RequestHead = state["head"]
        # Probes come every few seconds and say nothing, and the console shows traces in which it must not stand: they
        # are traced only when the caller's trace is.
        probe = scope["path"] in _PROBES or scope["path"].startswith("/console/")
        ratio = 0.0 if probe else self._gateway.settings.trace_ratio
        self._trace = TraceContext(self._head.fields.get(b"traceparent"), ratio)
        self._request_id = self._head.request_id or self._trace.trace_id
        state["trace_id"] = self._trace.trace_hex
        self._started_ns = time.time_ns()
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
        now_ns = time.time_ns()
        seconds = max(0.0, (now_ns - self._started_ns) / 1e9)
        path = self._scope["path"]
        route = next((prefix for prefix in _TOGETHER if path.startswith(f"{prefix}/")), path)
        trace_id = self._trace.trace_hex if self._trace.sampled else None
        self._gateway.metrics.request(route, self._scope["method"], self._status, seconds, trace_id)
        if self._trace.sampled:
            self._span(route, (self._started_ns, now_ns))
        self._gateway.access_log.line(
            method=self._scope["method"],
            path=path,
            status=self._status,
            duration_ms=round(seconds * 1000, 2),
            client=self._scope["state"]["peer"],
            request_id=self._request_id.decode("ascii"),
            trace_id=self._trace.trace_hex,
        )

    def _span(self, route: str, times_ns: tuple[int, int]) -> None:
        method = self._scope["method"]
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "http.route": route,
            "url.path": self._scope["path"],
            "url.scheme": self._scope["scheme"],
            "http.response.status_code": self._status,
            "client.address": self._scope["state"]["peer"],
            "request.id": self._request_id.decode("ascii"),
        }
        self._gateway.spans.server(self._trace, f"{method} {route}", times_ns, attributes, [])
