"""``/``: a page for people: what is here, is it healthy, where to go on."""

from fastapi import APIRouter, Response

from gateway.console.shell import POLICY, front_page
from gateway.control.state import TheGateway

router = APIRouter(include_in_schema=False)

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<path d="M2 15V7a6 6 0 0 1 12 0v8h-3V8a3 3 0 0 0-6 0v7z" fill="#15803d"/></svg>'
)


@router.api_route("/", methods=["GET", "HEAD"])
async def page(gateway: TheGateway) -> Response:
    """What is here and how it is needs no script to be read."""
    headers = {"content-security-policy": POLICY, "cache-control": "no-store"}
    body = front_page(gateway, await gateway.checks.states())
    return Response(body, media_type="text/html", headers=headers)


@router.api_route("/favicon.ico", methods=["GET", "HEAD"])
async def icon() -> Response:
    """Browsers ask for it whatever a page says."""
    return Response(_ICON, media_type="image/svg+xml", headers={"cache-control": "public, max-age=86400"})
