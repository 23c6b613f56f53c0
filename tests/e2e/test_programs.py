"""A program of its own identity, through the gateway: registered, let in by its scopes, shown the door."""

import secrets
from typing import Any

import httpx
import pytest
from e2e_system import Person, eventually


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


def test_a_program_is_let_in_by_its_scopes_and_ends_its_token_itself(client: httpx.Client, boss: Person):
    program = Program(client, boss, "orders:read", "tokens:introspect")
    token, other = program.token(), program.token(scope="orders:read")
    assert client.get("/api/v1/orders", headers=token).status_code == 200
    refused = client.get("/api/v1/reports", headers=token)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    said = program.said_of(other)
    assert (said["active"], said["sub"], said["scope"], said["role"]) == (True, program.id, "orders:read", "service")

    assert program.ask("revoke", token=token["Authorization"].removeprefix("Bearer ")).status_code == 200
    assert program.said_of(token) == {"active": False}
    eventually(
        lambda: client.get("/api/v1/orders", headers=token).status_code == 401,
        what="the gateway refuses the token that was revoked",
    )
    assert client.get("/api/v1/orders", headers=other).status_code == 200


@pytest.mark.parametrize(("tier", "times"), [("free", 1), ("pro", 100), ("service", 1000)])
def test_a_programs_tier_says_how_much_it_may_ask(
    client: httpx.Client, boss: Person, person: Person, *, tier: str, times: int
):
    program = Program(client, boss, "orders:read", tier=tier)
    quotas = [
        int(client.get("/api/v1/orders", headers=headers).headers["x-ratelimit-limit"])
        for headers in (program.token(), person.headers)
    ]
    assert quotas[0] == times * quotas[1]
