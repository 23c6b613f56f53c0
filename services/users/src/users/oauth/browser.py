"""The browser at the pages: the secret that its cookie holds, and the forms that only it can send.

The cookie is made anew at each login, so that a value that somebody planted is never signed in. A form's token is
made of the cookie's secret, what the form does and for which request; a nonce in it makes it another on each page,
so that compression tells nobody anything of it (BREACH).
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from fastapi import Request, Response

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_TOKEN = re.compile(r"([A-Za-z0-9_-]{22})\.([0-9a-f]{64})", re.ASCII)
_NAME = "gatehouse_browser"


@dataclass(frozen=True, slots=True)
class Browser:
    """One browser by its secret; a new one has not been told its cookie yet."""

    secret: str
    is_new: bool

    def form_token(self, purpose: str) -> str:
        """A token for the form that does this."""
        nonce = secrets.token_urlsafe(16)
        return f"{nonce}.{self._sign(nonce, purpose)}"

    def made(self, token: str, purpose: str) -> bool:
        """Whether the token is of a form that this browser was shown for this purpose."""
        found = _TOKEN.fullmatch(token)
        return found is not None and hmac.compare_digest(found[2], self._sign(found[1], purpose))

    def _sign(self, nonce: str, purpose: str) -> str:
        return hmac.digest(self.secret.encode(), f"{nonce}\n{purpose}".encode(), hashlib.sha256).hex()


class BrowserCookie:
    """Reads and writes the cookie: ``__Host-`` where the issuer is reached by https (RFC 6265bis section 4.1.3.2)."""

    def __init__(self, issuer: str) -> None:
        self._secure = issuer.startswith("https://")
        self._name = f"__Host-{_NAME}" if self._secure else _NAME

    def read(self, request: Request) -> Browser:
        """The browser that asks; one that brings no cookie of ours is new."""
        given = request.cookies.get(self._name, "")
        return Browser(given, is_new=False) if _SECRET.fullmatch(given) else self.another()

    @staticmethod
    def another() -> Browser:
        """A browser that nobody else can be."""
        return Browser(secrets.token_urlsafe(32), is_new=True)

    def write(self, response: Response, browser: Browser) -> None:
        """Tell the browser its cookie, unless it knows; Lax, since a client's redirect comes from another site."""
        if browser.is_new:
            response.set_cookie(
                self._name, browser.secret, path="/", secure=self._secure, httponly=True, samesite="lax"
            )
