"""The HTML of both pages: what can be read without a script, and places for what the scripts add."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.runtime import Gateway

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""No script can make HTML of a text: with ``trusted-types 'none'`` assigning to innerHTML throws."""

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/favicon.ico">
{styles}
{scripts}
</head>
<body{data}>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="/"><svg viewBox="0 0 16 16" aria-hidden="true">
<path d="M2 15V7a6 6 0 0 1 12 0v8h-3V8a3 3 0 0 0-6 0v7z"/></svg>Gatehouse</a>
<nav aria-label="Pages">{links}</nav>
<div id="who" class="who"></div>
</header>
<main id="main" tabindex="-1">
"""
_FOOT = """</main>
<div id="said" class="visually-hidden" role="status" aria-live="polite"></div>
</body>
</html>
"""
_NO_SCRIPT = '<noscript><p class="notice">{text}</p></noscript>'


def front_page(gateway: Gateway, checks: Mapping[str, str]) -> str:
    """``/``: what is here, is it healthy, where to go on; and a place to try it."""
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
    items = "".join(
        f'<li><a href="{escape(href)}">{escape(text)}</a> <code>{escape(href)}</code></li>'
        for href, text in links
        if gateway.owns(href.encode()) or href.startswith("/.well-known/")
    )
    if gateway.settings.traces_url:
        items += f'<li><a href="{escape(gateway.settings.traces_url)}">Traces of requests across the services</a></li>'
    return (
        _head(gateway, "Gatehouse", "home")
        + f"""<h1>You are at the front door.</h1>
<p class="lead">An API gateway with services behind it: {names}.
It knows who you are, counts what you ask, and hands on the rest.</p>
<div class="columns">
<section aria-labelledby="health-title"><h2 id="health-title">Is it healthy?</h2>
<table>
<thead><tr><th scope="col">Part</th><th scope="col">It says</th><th scope="col">The gateway sees</th></tr></thead>
<tbody>{rows}</tbody></table>
</section>
<section aria-labelledby="links-title"><h2 id="links-title">What is here?</h2><ul class="links">{items}</ul></section>
</div>
{_NO_SCRIPT.format(text="To try the API on this page JavaScript is needed. All of it can be done with curl as well.")}
<div id="try"></div>
"""
        + _FOOT
    )


def console_page(gateway: Gateway) -> str:
    """``/console``: empty until an admin signs in."""
    return (
        _head(gateway, "Console · Gatehouse", "console", charts=True)
        + _NO_SCRIPT.format(text="The console needs JavaScript. The same figures are at /metrics.")
        + '<div id="console"></div>\n'
        + _FOOT
    )


def _head(gateway: Gateway, title: str, script: str, *, charts: bool = False) -> str:
    styles = ["page.css", f"{script}.css", *(["vendor/uPlot.min.css"] if charts else [])]
    vendored = '<script src="/console/assets/vendor/uPlot.iife.min.js" defer></script>\n' if charts else ""
    pages = (("/", "Front door"), ("/console", "Console"), ("/docs", "API"))
    here = "/" if script == "home" else "/console"
    links = "".join(
        f'<a href="{href}"{" aria-current=" + chr(34) + "page" + chr(34) if href == here else ""}>{text}</a>'
        for href, text in pages
        if gateway.owns(href.encode())
    )
    data = f' data-traces="{escape(gateway.settings.traces_url or "")}"'
    data += f' data-openapi="{"yes" if gateway.owns(b"/openapi.json") else ""}"'
    data += f' data-waterfalls="{"yes" if gateway.settings.console_traces else ""}"'
    return _HEAD.format(
        title=escape(title),
        styles="\n".join(f'<link rel="stylesheet" href="/console/assets/{name}">' for name in styles),
        scripts=f'{vendored}<script type="module" src="/console/assets/{script}.js"></script>',
        links=links,
        data=data,
    )


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
