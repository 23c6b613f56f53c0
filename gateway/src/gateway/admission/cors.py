"""Cross-origin requests of browsers (Fetch Standard, section 3.2): header lines of answers, and preflights.

Only exact origins are echoed, and then caches are told by ``Vary``, also on the answers to who sends no Origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.problem import Refusal

if TYPE_CHECKING:
    from gateway.routes.model import CorsModel

# A service's own word beside the gateway's could only contradict: two origins are none to a browser.
CORS_HEADERS = frozenset(
    {
        b"access-control-allow-origin",
        b"access-control-allow-credentials",
        b"access-control-expose-headers",
        b"access-control-allow-methods",
        b"access-control-allow-headers",
        b"access-control-max-age",
    }
)
_VARY = b"vary: Origin\r\n"
_PREFLIGHT_VARY = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")


class Cors:
    """One policy, worked out for each of its origins."""

    def __init__(self, model: CorsModel) -> None:
        expose = b"access-control-expose-headers: %b\r\n" % ", ".join(model.expose).encode() if model.expose else b""
        self._any: bytes | None = None
        self._lines: dict[bytes, bytes] = {}
        self._headers = ", ".join(model.headers).encode()
        self._max_age = b"%d" % int(model.max_age)
        credentials = b"access-control-allow-credentials: true\r\n" if model.credentials else b""
        for origin in model.origins:
            if origin == "*":
                self._any = b"access-control-allow-origin: *\r\n" + expose
            else:
                allowed = b"access-control-allow-origin: %b\r\n" % origin.encode()
                self._lines[origin.encode()] = allowed + credentials + expose + _VARY

    def lines(self, origin: bytes | None) -> bytes:
        """For an answer, each ending in CRLF; an origin that is not allowed gets no leave, only ``Vary``."""
        if self._any is not None:
            return self._any if origin is not None else b""
        return self._lines.get(origin, _VARY) if origin is not None else _VARY

    def preflight(self, origin: bytes, method: bytes) -> Refusal:
        """The answer to a preflight for a method that the route takes; 403 for an origin that is not allowed."""
        if self._any is None and origin not in self._lines:
            detail = "Pages of this origin may not use the path."
            return Refusal(403, "origin_not_allowed", detail, headers=(_PREFLIGHT_VARY,))
        headers = [
            (b"access-control-allow-methods", method),
            (b"access-control-max-age", self._max_age),
            _PREFLIGHT_VARY,
        ]
        if self._headers:
            headers.append((b"access-control-allow-headers", self._headers))
        return Refusal(204, "preflight", "", headers=tuple(headers))


def compile_cors(model: CorsModel | None) -> Cors | None:
    """None where the route says nothing of other origins."""
    return Cors(model) if model is not None and model.origins else None
