"""The receiver's HTTP app: where exports come in, Jaeger's API, the pages, health."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_stack.traces import jaeger, pages
from local_stack.traces.otlp import (
    JSON,
    PROTOBUF,
    ExportTooLargeError,
    MalformedExportError,
    decode,
    inflate,
)

if TYPE_CHECKING:
    from starlette.requests import Request

    from local_stack.traces.store import Store

MOST_BYTES = 16 * 1024 * 1024


def create_app(store: Store) -> Starlette:
    """The app over a store."""

    async def export(request: Request) -> Response:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if content_type not in {JSON, PROTOBUF} or encoding not in {"gzip", "identity"}:
            return Response(status_code=415)
        try:
            body = await _body(request)
            store.add(decode(inflate(body, MOST_BYTES) if encoding == "gzip" else body, content_type))
        except ExportTooLargeError:
            return Response(status_code=413)
        except MalformedExportError as error:
            return JSONResponse({"code": 3, "message": str(error)}, status_code=400)
        taken = b"{}" if content_type == JSON else ExportTraceServiceResponse().SerializeToString()
        return Response(taken, media_type=content_type)

    async def live(_: Request) -> Response:
        return Response(orjson.dumps({"status": "healthy", "checks": {}}), media_type=JSON)

    async def ready(_: Request) -> Response:
        store.services()
        return Response(orjson.dumps({"status": "healthy", "checks": {"store": "healthy"}}), media_type=JSON)

    return Starlette(
        routes=[
            Route("/v1/traces", export, methods=["POST"]),
            Route("/health/live", live),
            Route("/health/ready", ready),
            *jaeger.routes(store),
            *pages.routes(store),
        ]
    )


async def _body(request: Request) -> bytes:
    """The body, given up as soon as it grows too large."""
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > MOST_BYTES:
            raise ExportTooLargeError(f"more than {MOST_BYTES} bytes")
    return bytes(parts)
