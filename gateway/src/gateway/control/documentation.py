"""``/openapi.json`` of all services, and ``/docs``: Swagger UI with every asset served from here."""

from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, HTTPException, Request, Response

from gateway.control.pages import PAGE_POLICY
from gateway.control.representation import Representation
from gateway.control.state import TheGateway

router = APIRouter(include_in_schema=False)

_ASSETS = Path(__file__).parent / "assets"
_TYPES: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
_SERVED: Final = frozenset({"swagger-ui-bundle.js", "swagger-ui.css", "docs.js"})
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Gatehouse API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<noscript>This page needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/docs.js"></script>
</body>
</html>
"""


@router.api_route("/openapi.json", methods=["GET", "HEAD"])
async def openapi(request: Request, gateway: TheGateway) -> Response:
    """Every routed operation of every service and version."""
    return (await gateway.documents.merged()).response(request.headers)


@router.api_route("/docs", methods=["GET", "HEAD"])
async def docs() -> Response:
    """The page."""
    headers = {"content-security-policy": PAGE_POLICY, "cache-control": "no-cache"}
    return Response(_PAGE, media_type="text/html", headers=headers)


@router.api_route("/docs/assets/{name}", methods=["GET", "HEAD"])
async def asset(name: str, request: Request) -> Response:
    """One vendored file."""
    if name not in _SERVED:
        raise HTTPException(404, "No such path.")
    return _representation(name).response(request.headers)


@cache
def _representation(name: str) -> Representation:
    path = _ASSETS / name
    return Representation(path.read_bytes(), _TYPES[path.suffix], {"cache-control": "public, max-age=3600"})
