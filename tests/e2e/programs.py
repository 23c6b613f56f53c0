"""A program of its own identity: a client that gets tokens for itself (RFC 6749 section 4.4)."""

import secrets
from typing import Any

import httpx
from e2e_system import Person


class Program:
    """A confidential client that knows its secret."""

    def __init__(self, client: httpx.Client, boss: Person, *scopes: str, **more: str) -> None:
        name = f"Program {secrets.token_hex(4)}"
        body = {"name": name, "type": "confidential", "grants": ["client_credentials"], "scopes": scopes, **more}
        made = client.post("/api/v1/oauth/clients", json=body, headers=boss.headers)
        assert made.status_code == 201, made.text
        self._client = client
        self.id: str = made.json()["client_id"]
        self._secret: str = made.json()["client_secret"]

    def ask(self, endpoint: str, **form: str) -> httpx.Response:
        """Call an OAuth endpoint, authenticated by HTTP Basic."""
        return self._client.post(f"/api/v1/oauth/{endpoint}", data=form, auth=(self.id, self._secret))

    def token(self, **form: str) -> dict[str, str]:
        """A token as an Authorization header."""
        answer = self.ask("token", grant_type="client_credentials", **form)
        assert answer.status_code == 200, answer.text
        assert answer.json()["token_type"] == "Bearer"
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def said_of(self, headers: dict[str, str]) -> dict[str, Any]:
        """What introspection says of such a token."""
        answer = self.ask("introspect", token=headers["Authorization"].removeprefix("Bearer "))
        assert answer.status_code == 200, answer.text
        return answer.json()
