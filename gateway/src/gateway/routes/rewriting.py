"""What a route changes of a request and its answer: the path, headers, or a redirect in the place of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.problem import Refusal
from gateway.routes.template import Template, names_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.routes.match import Match
    from gateway.routes.model import HeadersModel, RouteModel


@dataclass(frozen=True, slots=True)
class HeaderRules:
    """Names (lower case) that do not pass, and the lines that are put in, each ending in CRLF."""

    gone: frozenset[bytes]
    lines: bytes


class Rewrite:
    """The forwarded path of a match."""

    __slots__ = ("_add", "_strip", "_template")

    def __init__(self, template: Template | None, strip: bytes, add: bytes) -> None:
        self._template, self._strip, self._add = template, strip, add

    def path(self, found: Match) -> bytes:
        """Canonical, as its pieces are."""
        if self._template is not None:
            return self._template.fill(found.parameters, found.route.version_bytes)
        return self._add + (found.path.removeprefix(self._strip) or b"/")


class Redirect:
    """Where a route sends clients."""

    __slots__ = ("_keep_query", "_status", "_to")

    def __init__(self, status: int, to: Template, *, keep_query: bool) -> None:
        self._status, self._to, self._keep_query = status, to, keep_query

    def refusal(self, found: Match) -> Refusal:
        """The answer, which has no body."""
        location = self._to.fill(found.parameters, found.route.version_bytes)
        if self._keep_query and found.query:
            location += b"?" + found.query
        return Refusal(self._status, "redirect", "", headers=((b"location", location), (b"content-length", b"0")))


def compile_rewrite(model: RouteModel) -> Rewrite | None:
    """From the table ``rewrite``."""
    rewrite = model.rewrite
    if rewrite is None:
        return None
    template = Template(rewrite.path, names_in(model.path)) if rewrite.path is not None else None
    return Rewrite(template, (rewrite.strip_prefix or "").encode(), (rewrite.add_prefix or "").encode())


def compile_redirect(model: RouteModel) -> Redirect | None:
    """From the table ``redirect``."""
    redirect = model.redirect
    if redirect is None:
        return None
    template = Template(redirect.to, names_in(model.path))
    return Redirect(redirect.status, template, keep_query=redirect.keep_query)


def compile_request_headers(model: RouteModel) -> HeaderRules | None:
    """From the table ``request_headers``; a prefix that was taken off is named to the service."""
    stripped = model.rewrite.strip_prefix if model.rewrite is not None else None
    return compile_headers(model.request_headers, {"x-forwarded-prefix": stripped} if stripped else {})


def compile_headers(model: HeadersModel | None, further: Mapping[str, str]) -> HeaderRules | None:
    """None where nothing is to change."""
    values = {**(model.set if model is not None else {}), **further}
    removed = model.remove if model is not None else ()
    if not values and not removed:
        return None
    return HeaderRules(
        gone=frozenset(name.lower().encode() for name in (*values, *removed)),
        lines="".join(f"{name.lower()}: {value}\r\n" for name, value in values.items()).encode("latin-1"),
    )
