"""One request at the pages: what it asks, which browser sends it, and the addresses that the page leads to."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from fastapi import Request

from users.domain.authorization import Prompt
from users.oauth.authorization_request import parse_query
from users.oauth.browser import Browser, BrowserCookie
from users.resources import UsersResources

_ENDPOINT = "/oauth/authorize"


@dataclass(frozen=True, slots=True)
class Visit:
    """``base`` is the path of the authorization endpoint in the version that was asked."""

    base: str
    parameters: list[tuple[str, str]]
    browser: Browser
    cookie: BrowserCookie
    issuer: str

    @classmethod
    def of(cls, request: Request, own: UsersResources) -> Self:
        """Raises UntrustedRequest for a query that does not parse."""
        issuer = own.settings.tokens.issuer
        cookie = BrowserCookie(issuer)
        base = request.url.path.partition(_ENDPOINT)[0] + _ENDPOINT
        return cls(base, parse_query(request.url.query), cookie.read(request), cookie, issuer)

    @property
    def query(self) -> str:
        """The client's request as the forms carry it on."""
        return urlencode(self.parameters)

    def query_with_prompt(self, *, without: Prompt | None = None, instead: Prompt | None = None) -> str:
        """The same without a prompt, or with another in place of all."""
        others = [(name, value) for name, value in self.parameters if name != "prompt"]
        words = " ".join(value for name, value in self.parameters if name == "prompt").split()
        kept = [instead] if instead else [word for word in words if word != without]
        return urlencode([*others, ("prompt", " ".join(kept))] if kept else others)

    def form_token(self, step: str) -> str:
        """For the form of this step of this very request."""
        return self.browser.form_token(f"{step}\n{self.query}")

    def was_shown(self, request: Request, form: dict[str, str], step: str) -> bool:
        """Whether the form is one of this step that this browser was shown."""
        # The token is what protects; the browser's own word only ends the matter sooner.
        foreign = request.headers.get("sec-fetch-site", "same-origin") in ("cross-site", "same-site")
        return self.browser.made(form.get("csrf_token", ""), f"{step}\n{self.query}") and not foreign
