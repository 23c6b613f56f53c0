"""Entity tags from a version number that grows with each change (RFC 9110 sections 8.8.3, 13.1)."""

from fastapi import Request, Response

from shared.problems import PreconditionFailed


def etag(version: int) -> str:
    """The strong entity tag of a version: ``"7"``."""
    return f'"{version}"'


def _tags(header: str) -> set[str]:
    return {tag.strip() for tag in header.split(",")}


def check_if_match(request: Request, version: int) -> None:
    """Raise PreconditionFailed when ``If-Match`` is there and names another version.

    The comparison is strong: a weak tag never matches (RFC 9110 section 13.1.1).
    """
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return
    if etag(version) not in _tags(header):
        raise PreconditionFailed("version_mismatch", "It was changed since the version that If-Match names.")


def not_modified(request: Request, version: int, headers: dict[str, str] | None = None) -> Response | None:
    """A 304 when ``If-None-Match`` names this version (weak comparison), else None."""
    header = request.headers.get("if-none-match")
    if header is None:
        return None
    tags = {tag.removeprefix("W/") for tag in _tags(header)}
    if "*" in tags or etag(version) in tags:
        return Response(status_code=304, headers={"ETag": etag(version), **(headers or {})})
    return None
