"""One access log line and one metric a request, as pure ASGI (TRAPS.md, forwarding 7)."""

import time

import structlog
from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.stdlib.get_logger("access")

REQUESTS = Counter(
    "http_server_requests_total", "Requests answered, by route and status.", ["method", "route", "status"]
)
SECONDS = Histogram(
    "http_server_request_duration_seconds",
    "Seconds from the request to the end of its answer, by route.",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_QUIET = frozenset({"/health/live", "/health/ready", "/metrics"})


class ObserveRequests:
    """Counts, times and logs each request; labels are routes, never paths, so that they stay few."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and observe its answer."""
        if scope["type"] != "http" or scope["path"] in _QUIET:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 499  # the client left before an answer began

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except Exception:
            status = 500
            raise
        finally:
            seconds = time.perf_counter() - started
            route = route_of(scope)
            REQUESTS.labels(scope["method"], route, status).inc()
            SECONDS.labels(scope["method"], route).observe(seconds)
            headers = {key: value.decode("latin-1") for key, value in scope["headers"] if key == b"x-request-id"}
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                route=route,
                status=status,
                seconds=round(seconds, 6),
                request_id=headers.get(b"x-request-id"),
            )


def route_of(scope: Scope) -> str:
    """The path template that a request was matched to; "unmatched" where none was."""
    # FastAPI keeps a route of an included router as it was declared; its full path is in the context.
    context = scope.get("fastapi", {}).get("effective_route_context")
    return getattr(context, "path_format", None) or getattr(scope.get("route"), "path", "unmatched")


async def metrics() -> Response:
    """Prometheus's text of all metrics of the process."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
