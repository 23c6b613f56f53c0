"""415 for a body of a type that is not taken."""

from fastapi import Request

from shared.problems import UnsupportedMediaType


async def require_json(request: Request) -> None:
    """Raise UnsupportedMediaType when a body is there and is not JSON (RFC 9110 section 15.5.16)."""
    headers = request.headers
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if not has_body:
        return
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType("unsupported_media_type", "The body must be application/json.")
