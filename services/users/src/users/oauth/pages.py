"""The pages that people meet: rendered here, without a script, and framed by nobody."""

from http import HTTPStatus
from importlib.resources import files
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

_TEMPLATES = Environment(loader=PackageLoader("users"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
_STYLE = files("users").joinpath("templates/page.css").read_bytes()

_NEVER_KEPT = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


def render(
    template: str, *, status: int = HTTPStatus.OK, form_sources: tuple[str, ...] = ("'self'",), **values: Any
) -> Response:
    """A page; ``form_sources`` is where its forms may lead, redirects included (CSP 3 section 6.4.1.1)."""
    policy = (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {' '.join(form_sources)}"
    )
    headers = {**_NEVER_KEPT, "Content-Security-Policy": policy, "X-Frame-Options": "DENY"}
    body = _TEMPLATES.get_template(f"{template}.html").render({"problem": None, **values})
    return HTMLResponse(body, status_code=status, headers=headers)


def render_error(base: str, status: int, heading: str, advice: str) -> Response:
    """A page for a person whom no client can be told about."""
    return render("error", status=status, form_sources=("'none'",), base=base, heading=heading, advice=advice)


def see_other(location: str) -> Response:
    """303, by which no browser posts again what was posted here (RFC 9700 section 4.12)."""
    return Response(status_code=HTTPStatus.SEE_OTHER, headers={**_NEVER_KEPT, "Location": location})


def style() -> Response:
    """The style of the pages, the same for everybody."""
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(_STYLE, media_type="text/css", headers=headers)
