"""``/console``: the page, which is nobody's secret, and what it shows, which is for admins alone."""

import re
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, HTTPException, Request, Response

from gateway.console.access import Access
from gateway.console.assets_served import asset
from gateway.console.event_stream import EventStream
from gateway.console.shell import POLICY, console_page
from gateway.console.traces import TracesUnavailableError
from gateway.control.errors import problem
from gateway.control.state import TheGateway

router = APIRouter(include_in_schema=False)

_TRACE_ID = re.compile(r"[0-9a-f]{1,32}", re.ASCII)
_HEADERS = {"cache-control": "no-store"}


async def _admitted(request: Request, gateway: TheGateway) -> Access:
    return await Access.of(gateway, request.scope["state"]["head"])


TheAccess = Annotated[Access, Depends(_admitted)]


@router.api_route("/console", methods=["GET", "HEAD"])
async def page(gateway: TheGateway) -> Response:
    """A shell without a figure in it."""
    headers = {"content-security-policy": POLICY, "cache-control": "no-cache"}
    return Response(console_page(gateway), media_type="text/html", headers=headers)


@router.get("/console/events")
async def events(request: Request, gateway: TheGateway, access: TheAccess) -> Response:
    """A sample every CONSOLE_SECONDS; 429 while CONSOLE_WATCHERS watch already."""
    if not gateway.sampler.join():
        return problem(request, 429, "too_many_watchers", "Too many watch already.", {"retry-after": "10"})
    return EventStream(gateway, gateway.sampler, access)


@router.get("/console/traces")
async def newest(request: Request, gateway: TheGateway, _: TheAccess) -> Response:
    """``{"items"}``, the newest first; 503 where no API of traces answers."""
    try:
        found = await gateway.traces.newest()
    except TracesUnavailableError as error:
        return problem(request, 503, "traces_unavailable", str(error), {"retry-after": "10"})
    return _json({"items": found})


@router.get("/console/traces/{trace_id}")
async def one(trace_id: str, request: Request, gateway: TheGateway, _: TheAccess) -> Response:
    """One as a waterfall; 404 while it has not come in."""
    if not _TRACE_ID.fullmatch(trace_id):
        raise HTTPException(404, "No such trace.")
    try:
        found = await gateway.traces.one(trace_id)
    except TracesUnavailableError as error:
        return problem(request, 503, "traces_unavailable", str(error), {"retry-after": "10"})
    if found is None:
        return problem(request, 404, "trace_not_found", "No such trace has come in, or not yet.", {})
    return _json(found)


@router.api_route("/console/assets/{path:path}", methods=["GET", "HEAD"])
async def assets(path: str, request: Request) -> Response:
    """Scripts and styles of both pages."""
    found = asset(path)
    if found is None:
        raise HTTPException(404, "No such path.")
    return found.response(request.headers)


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json", headers=_HEADERS)
