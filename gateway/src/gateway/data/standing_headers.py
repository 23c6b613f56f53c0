"""The headers that stand on every answer, the control plane's and errors' too."""

from functools import lru_cache

# A JSON API loads nothing; pages the gateway serves itself say otherwise (control.pages).
API_POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

SECURITY: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"referrer-policy", b"no-referrer"),
    # "0": the filters this header steered were a hole themselves and are gone from browsers.
    (b"x-xss-protection", b"0"),
)
_FIXED = b"".join(name + b": " + value + b"\r\n" for name, value in SECURITY)
_POLICY = b"content-security-policy: " + API_POLICY + b"\r\n"

# An upstream's own value of these is dropped: the gateway speaks for the whole house.
OURS = frozenset(name for name, _ in SECURITY) | {
    b"x-request-id",
    b"traceresponse",
    b"api-version",
    b"server",
    b"x-powered-by",
}


def standing(request_id: bytes, traceresponse: bytes, version: bytes) -> bytes:
    """The header lines, ending in CRLF; ``version`` is empty where none applies."""
    return b"x-request-id: %b\r\ntraceresponse: %b\r\n%b" % (request_id, traceresponse, repeated(version, True))


@lru_cache(maxsize=64)
def repeated(version: bytes, with_policy: bool) -> bytes:  # noqa: FBT001 - positional arguments make the cheaper key
    """Those of the lines that are the same on all answers of a version, with the policy of an API or without."""
    lines = _FIXED + _POLICY if with_policy else _FIXED
    return lines + b"api-version: %b\r\n" % version if version else lines
