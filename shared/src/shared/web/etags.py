"""Entity tags and the conditions that name them (RFC 9110 sections 8.8.3, 13.1)."""

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request, Response

from shared.problems import PreconditionFailed

Body = TypeVar("Body")

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "What If-None-Match names is still the current state."}
}
"""OpenAPI ``responses`` of a route that answers a conditional read."""


def etag(version: int | str) -> str:
    """The strong entity tag of a version number, or of a digest: ``"7"``."""
    return f'"{version}"'


def check_if_match(request: Request, tag: str) -> None:
    """Raise PreconditionFailed when ``If-Match`` is there and does not name this tag.

    The comparison is strong: a weak tag never matches (RFC 9110 section 13.1.1).
    """
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return
    if tag not in _tags(header):
        raise PreconditionFailed("version_mismatch", "It was changed since the version that If-Match names.")


def not_modified(request: Request, tag: str, headers: Mapping[str, str] | None = None) -> Response | None:
    """A 304 when ``If-None-Match`` names this tag (weak comparison), else None."""
    header = request.headers.get("if-none-match")
    if header is None:
        return None
    tags = {known.removeprefix("W/") for known in _tags(header)}
    if "*" in tags or tag in tags:
        return Response(status_code=304, headers={"ETag": tag, **(headers or {})})
    return None


def unless_known(
    request: Request, response: Response, tag: str, body: Body, headers: Mapping[str, str] | None = None
) -> Body | Response:
    """The body with its tag and these headers, or a 304 when the caller has it already."""
    response.headers.update({"ETag": tag, **(headers or {})})
    return not_modified(request, tag, headers) or body


def _tags(header: str) -> set[str]:
    return {tag.strip() for tag in header.split(",")}
