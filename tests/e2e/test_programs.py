"""A program of its own identity, through the gateway: registered, let in by its scopes, shown the door."""

import httpx
import pytest
from e2e_system import Person, eventually
from programs import Program


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
    token = program.token()

    def quota(headers: dict[str, str]) -> int:
        return int(client.get("/api/v1/orders", headers=headers).headers["x-ratelimit-limit"])

    # While Redis is late the gateway counts a part of a quota by itself, and says so.
    eventually(lambda: quota(token) == times * quota(person.headers), what=f"{times} times a person's quota")
