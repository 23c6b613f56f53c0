"""``/``: a page for people: what is here, is it healthy, where to go on."""

from html import escape

from fastapi import APIRouter, Response

from gateway.control.state import TheGateway
from gateway.runtime import Gateway

router = APIRouter(include_in_schema=False)

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<path d="M2 15V7a6 6 0 0 1 12 0v8h-3V8a3 3 0 0 0-6 0v7z" fill="#14532d"/></svg>'
)


@router.api_route("/", methods=["GET", "HEAD"])
async def page(gateway: TheGateway) -> Response:
    """Rendered here: no script is needed to read it."""
    checks = await gateway.checks.states()
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="{state}">{state}</td>{_traffic(gateway, name)}</tr>'
        for name, state in checks.items()
    )
    names = escape(", ".join(gateway.table.model.upstreams))
    links = [
        ("/docs", "The API, to read and to try"),
        ("/openapi.json", "The same as one OpenAPI document"),
        ("/health/ready", "Readiness, for programs"),
        ("/metrics", "Metrics, from the inside only"),
        ("/.well-known/jwks.json", "The keys that sign tokens"),
    ]
    if gateway.settings.traces_url:
        links.append((gateway.settings.traces_url, "Traces of requests across the services"))
    items = "".join(f'<li><a href="{escape(href)}">{escape(text)}</a></li>' for href, text in links)
    body = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Gatehouse</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/favicon.ico">
<link rel="stylesheet" href="/docs/assets/page.css">
</head>
<body>
<main>
<h1>Gatehouse</h1>
<p>An API gateway with services behind it: {names}. You are at the front door.</p>
<table><thead><tr><th>Part</th><th>It says</th><th>The gateway sees</th></tr></thead><tbody>{rows}</tbody></table>
<ul>{items}</ul>
</main>
</body>
</html>
"""
    headers = {"content-security-policy": PAGE_POLICY, "cache-control": "no-store"}
    return Response(body, media_type="text/html", headers=headers)


@router.api_route("/favicon.ico", methods=["GET", "HEAD"])
async def icon() -> Response:
    """Browsers ask for it whatever a page says."""
    return Response(_ICON, media_type="image/svg+xml", headers={"cache-control": "public, max-age=86400"})


def _traffic(gateway: Gateway, name: str) -> str:
    """What requests meet, which may be something else than what the part says of itself."""
    upstream = next((one for one in gateway.upstreams if one.name == name), None)
    if upstream is None:
        return "<td></td>"
    usable, there = sum(target.usable for target in upstream.targets), len(upstream.targets)
    breaker = upstream.admission.breaker
    if breaker is not None and breaker.state != "closed":
        text = "circuit open: requests are refused" if breaker.state == "open" else "circuit half open: it is tried"
        return f'<td class="unhealthy">{text}</td>'
    if usable < there:
        return f'<td class="unhealthy">{usable} of {there} in use</td>'
    return '<td class="healthy">in use</td>'
