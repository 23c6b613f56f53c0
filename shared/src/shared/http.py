"""HTTP calls to other services: the one module that knows httpx (TRAPS.md, FastAPI 2)."""

import httpx

HttpClient = httpx.AsyncClient
HttpError = httpx.HTTPError


def create_http_client(*, timeout_seconds: float = 2.0) -> HttpClient:
    """A client to be shared by the whole process, never one a request (TRAPS.md, forwarding 14)."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(timeout_seconds),
        limits=httpx.Limits(max_connections=20, max_keepalive_connections=10),
        follow_redirects=False,
        trust_env=False,
    )
