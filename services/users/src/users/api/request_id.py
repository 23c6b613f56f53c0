"""The id by which a request is found in the logs."""

import re

from fastapi import Request

_SANE = re.compile(r"[A-Za-z0-9._-]{1,128}")


def request_id(request: Request) -> str | None:
    """``X-Request-ID`` as the gateway passes it on; None when there is none, or one that nobody would make."""
    given = request.headers.get("x-request-id", "")
    return given if _SANE.fullmatch(given) else None
