"""Who may ask the admin view: pure ASGI, before anything of it runs.

Its listener is on loopback unless said otherwise, but a browser on that machine is there too: so a request must name a
host that is ours (no DNS name that was rebound), must not come from another site's page, and one that changes something
must carry a header that a page of another site cannot send without a preflight, which is never granted.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import structlog

from gateway.data.standing_headers import SECURITY
from gateway.problem import Refusal, problem_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gateway.settings import Settings

log = structlog.stdlib.get_logger(__name__)

HEADER = b"x-gatehouse-admin"
_SAFE = frozenset({"GET", "HEAD"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_POLICY = b"default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_STANDING = (
    *SECURITY,
    (b"content-security-policy", _POLICY),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class Guard:
    """The outermost part of the admin app."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = _LOOPBACK | {settings.admin_host.lower(), *(host.lower() for host in settings.admin_hosts)}
        token = settings.admin_token.get_secret_value()
        self._token = b"Bearer " + token.encode() if token else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        trace_id = secrets.token_hex(16)
        scope.setdefault("state", {})["trace_id"] = trace_id
        started, status = time.perf_counter(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_STANDING]
            await send(message)

        refusal = self._refusal(scope["method"], dict(scope["headers"]))
        try:
            if refusal is None:
                await self._app(scope, receive, answer)
            else:
                await _refuse(refusal, scope["raw_path"], trace_id, answer)
        finally:
            took = round((time.perf_counter() - started) * 1000, 2)
            path, client = scope["path"], (scope.get("client") or ("",))[0]
            log.info("admin", method=scope["method"], path=path, status=status, client=client, duration_ms=took)

    def _refusal(self, method: str, headers: Mapping[bytes, bytes]) -> Refusal | None:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if _without_port(host) not in self._hosts:
            return Refusal(403, "host_not_allowed", "This is no name of the admin view; see ADMIN_HOSTS.")
        if self._token and not secrets.compare_digest(headers.get(b"authorization", b""), self._token):
            challenge = ((b"www-authenticate", b'Bearer realm="admin"'),)
            return Refusal(401, "unauthorized", "The admin token is missing or wrong.", headers=challenge)
        if headers.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin"):
            return Refusal(403, "cross_site", "Another site's page asks.")
        origin = headers.get(b"origin")
        if origin is not None and origin.partition(b"://")[2].decode("latin-1").lower() != host:
            return Refusal(403, "cross_site", "Another site's page asks.")
        if method not in _SAFE and not headers.get(HEADER):
            return Refusal(403, "header_required", "What changes something needs the header X-Gatehouse-Admin: 1.")
        return None


def _without_port(host: str) -> str:
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


async def _refuse(refusal: Refusal, path: bytes, trace_id: str, send: Send) -> None:
    body = problem_body(refusal, path, trace_id)
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": refusal.status, "headers": [*headers, *refusal.headers]})
    await send({"type": "http.response.body", "body": body})
