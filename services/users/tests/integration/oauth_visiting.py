"""A client that asks for a code, and a browser with a cookie jar in which a person answers the pages."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from shared.postgres import Database
from shared.testing.waiting import PATIENCE_SECONDS
from users.domain.credentials import digest, new_client_secret
from users.domain.oauth_clients import ClientType, GrantType
from users.domain.scopes import USER_SCOPES
from users.store import oauth_clients

from .people import PASSWORD

AUTHORIZE = "/api/v1/oauth/authorize"
TOKEN = "/api/v1/oauth/token"
REDIRECT_URI = "https://app.example.com/back"


@dataclass(frozen=True)
class App:
    """A client as its own program sees it: what it registered, and the proof of one authorization."""

    client_id: str
    secret: str | None = None
    redirect_uri: str = REDIRECT_URI
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def challenge(self) -> str:
        """SHA-256 of the verifier (RFC 7636 section 4.2)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    def request(self, **changes: str | None) -> dict[str, str]:
        """The parameters of its request; None leaves one out."""
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            "scope": "users:read orders:read",
            "state": "a state&with=marks",
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    async def spend(self, client: httpx.AsyncClient, code: str, /, **changes: str | None) -> httpx.Response:
        """Ask for tokens with a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            **changes,
        }
        return await self.ask(client, form)

    async def refresh(self, client: httpx.AsyncClient, token: str, /, **changes: str | None) -> httpx.Response:
        """Ask for the next tokens."""
        return await self.ask(client, {"grant_type": "refresh_token", "refresh_token": token, **changes})

    async def ask(self, client: httpx.AsyncClient, form: dict[str, Any]) -> httpx.Response:
        """Ask the token endpoint, authenticated by HTTP Basic where there is a secret."""
        form = {name: value for name, value in form.items() if value is not None}
        if self.secret is None:
            return await client.post(TOKEN, data={"client_id": self.client_id, **form})
        return await client.post(TOKEN, data=form, auth=(self.client_id, self.secret))


class Apps:
    """Registers clients that act for people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(
        self,
        *,
        name: str = "Weather",
        public: bool = False,
        redirect_uris: tuple[str, ...] = (REDIRECT_URI,),
        scopes: tuple[str, ...] = USER_SCOPES,
        grants: tuple[GrantType, ...] = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN),
    ) -> App:
        """A client that knows its secret, if it is not public."""
        client_id, secret = f"app-{secrets.token_hex(6)}", None if public else new_client_secret()
        async with self._database.transaction() as connection:
            await oauth_clients.insert(
                connection,
                client_id,
                name=name,
                kind=ClientType.PUBLIC if public else ClientType.CONFIDENTIAL,
                grants=grants,
                redirect_uris=redirect_uris,
                scopes=scopes,
                tier="free",
            )
            if secret is not None:
                await oauth_clients.add_secret(connection, client_id, digest(secret), secret[:8])
        return App(client_id, secret, redirect_uris[0])


class Page(HTMLParser):
    """What matters of a page: its form, its hidden fields, its text."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.answer = answer
        self.action = ""
        self.fields: dict[str, str] = {}
        self.tags: list[str] = []
        self.text = ""
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if tag == "form":
            self.action = found["action"]
        if tag == "input" and found["type"] == "hidden":
            self.fields[found["name"]] = found["value"]

    def handle_data(self, data: str) -> None:
        self.text += data


class Visitor:
    """A person's browser: keeps cookies, follows redirects within the service, and stops at the client's door."""

    def __init__(self, service: httpx.AsyncClient) -> None:
        self.http = httpx.AsyncClient(base_url=service.base_url, trust_env=False, timeout=PATIENCE_SECONDS)

    async def open(self, parameters: dict[str, str] | str) -> httpx.Response:
        """Follow a client's link."""
        query = parameters if isinstance(parameters, str) else urlencode(parameters)
        return await self._follow(await self.http.get(f"{AUTHORIZE}?{query}"))

    async def submit(self, page: httpx.Response, **typed: str) -> httpx.Response:
        """Send the form of a page."""
        form = Page(page)
        assert form.action, page.text
        return await self._follow(await self.http.post(form.action, data={**form.fields, **typed}))

    async def sign_in(self, page: httpx.Response, email: str, password: str = PASSWORD) -> httpx.Response:
        """Fill the login page in."""
        return await self.submit(page, email=email, password=password)

    async def let_in(self, app: App, email: str, **changes: str | None) -> str:
        """Sign in and allow; the code that the client gets."""
        page = await self.sign_in(await self.open(app.request(**changes)), email)
        return told(await self.submit(page, decision="allow"))["code"]

    async def _follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.status_code == 303 and answer.headers["location"].startswith("/"):
            answer = await self.http.get(answer.headers["location"])
        return answer


def told(answer: httpx.Response) -> dict[str, str]:
    """What the client is told by the redirect."""
    assert answer.status_code == 303, answer.text
    found = parse_qs(urlsplit(answer.headers["location"]).query, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}
