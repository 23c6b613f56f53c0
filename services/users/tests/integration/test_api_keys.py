"""/users/me/api-keys and the exchange of a key for a token."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from .people import GATEWAY, Account, Accounts

PATH = "/api/v1/users/me/api-keys"


async def _make(client: httpx.AsyncClient, account: Account, **fields: object) -> dict[str, Any]:
    answer = await client.post(PATH, headers=account.headers, json={"name": "script", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def _exchange(client: httpx.AsyncClient, key: str) -> httpx.Response:
    return await client.post("/internal/api-keys/exchange", json={"api_key": key}, auth=GATEWAY)


async def _claims(client: httpx.AsyncClient, key: str) -> dict[str, Any]:
    token = (await _exchange(client, key)).json()["access_token"]
    return jwt.decode(token, options={"verify_signature": False})


async def test_a_key_is_shown_once(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    answer = await client.post(PATH, headers=account.headers, json={"name": " deploy script "})
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["location"] == f"{PATH}/{made['id']}"
    assert answer.headers["cache-control"] == "no-store"
    key = made.pop("key")
    assert key.startswith(f"gh_{made['id']}_")
    assert made["name"] == "deploy script"
    assert "admin" not in made["scopes"]
    assert (await client.get(f"{PATH}/{made['id']}", headers=account.headers)).json() == made
    page = (await client.get(PATH, headers=account.headers)).json()
    assert page == {"items": [made], "total": 1, "page": 1, "page_size": 20}
    stored = await accounts.value("SELECT api_keys::text FROM api_keys WHERE id = $1", made["id"])
    assert key.rpartition("_")[2] not in stored


async def test_a_key_stands_for_its_owner(client: httpx.AsyncClient, account: Account):
    made = await _make(client, account)
    answer = await _exchange(client, made["key"])
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in"}
    assert answer.json()["token_type"] == "Bearer"
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await client.get("/api/v1/users/me", headers=headers)).json()["id"] == account.id
    shown = (await client.get(f"{PATH}/{made['id']}", headers=account.headers)).json()
    assert shown["last_used_at"] is not None


async def test_a_key_has_the_scopes_it_was_given(client: httpx.AsyncClient, account: Account):
    made = await _make(client, account, scopes=["orders:read"])
    assert (await _claims(client, made["key"]))["scope"] == "orders:read"
    token = (await _exchange(client, made["key"])).json()["access_token"]
    answer = await client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_an_admins_key_is_an_admins_only_if_it_says_so(client: httpx.AsyncClient, admin: Account):
    assert (await _claims(client, (await _make(client, admin))["key"]))["role"] == "user"
    made = await _make(client, admin, scopes=["users:read", "admin"])
    assert (await _claims(client, made["key"]))["role"] == "admin"


async def test_a_scope_lost_by_the_owner_is_lost_to_the_key(
    client: httpx.AsyncClient, admin: Account, accounts: Accounts
):
    made = await _make(client, admin, scopes=["users:read", "admin"])
    await accounts.execute("UPDATE users SET role = 'user' WHERE id = $1", admin.id)
    claims = await _claims(client, made["key"])
    assert (claims["role"], claims["scope"]) == ("user", "users:read")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"scopes": ["admin"]}, "scopes"),
        ({"scopes": ["orders:read", "orders:burn"]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2101-01-01T00:00:00"}, "expires_at"),
    ],
)
async def test_rules_of_a_key(client: httpx.AsyncClient, account: Account, fields: dict[str, object], wrong: str):
    answer = await client.post(PATH, headers=account.headers, json={"name": "script", **fields})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == wrong


@pytest.mark.parametrize("change", ["secret", "id", "nonsense", "empty", "surrogate"])
async def test_a_key_that_is_none(client: httpx.AsyncClient, account: Account, change: str):
    key = (await _make(client, account))["key"]
    other = {
        "secret": key[:-1] + ("a" if key[-1] != "a" else "b"),
        "id": "gh_" + "9" * 18 + "_" + key.rpartition("_")[2][-43:],
        "nonsense": "nonsense",
        "empty": "",
        "surrogate": "é" * 300,
    }[change]
    answer = await _exchange(client, other)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_api_key")
    assert "www-authenticate" in answer.headers


async def test_a_revoked_key(client: httpx.AsyncClient, account: Account):
    made = await _make(client, account)
    path = f"{PATH}/{made['id']}"
    assert (await client.delete(path, headers=account.headers)).status_code == 204
    assert (await _exchange(client, made["key"])).status_code == 401
    gone = await client.delete(path, headers=account.headers)
    assert (gone.status_code, gone.json()["code"]) == (404, "api_key_not_found")


async def test_an_expired_key(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    made = await _make(client, account, expires_at=(datetime.now(UTC) + timedelta(minutes=10)).isoformat())
    answer = await _exchange(client, made["key"])
    assert 0 < answer.json()["expires_in"] <= 600
    await accounts.execute("UPDATE api_keys SET expires_at = now() WHERE id = $1", made["id"])
    assert (await _exchange(client, made["key"])).status_code == 401


async def test_the_key_of_a_disabled_user(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    made = await _make(client, account)
    await accounts.execute("UPDATE users SET disabled_at = now() WHERE id = $1", account.id)
    assert (await _exchange(client, made["key"])).status_code == 401


async def test_anothers_key_is_not_there(client: httpx.AsyncClient, account: Account, stranger: Account):
    made = await _make(client, account)
    for method in ("GET", "DELETE"):
        answer = await client.request(method, f"{PATH}/{made['id']}", headers=stranger.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "api_key_not_found")
    assert (await _exchange(client, made["key"])).status_code == 200


async def test_a_key_makes_no_key(client: httpx.AsyncClient, account: Account):
    token = (await _exchange(client, (await _make(client, account))["key"])).json()["access_token"]
    answer = await client.post(PATH, headers={"Authorization": f"Bearer {token}"}, json={"name": "another"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_twenty_keys_are_the_most(client: httpx.AsyncClient, account: Account):
    answers = await asyncio.gather(
        *(client.post(PATH, headers=account.headers, json={"name": f"key {number}"}) for number in range(24))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 20 + [409] * 4
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] == "too_many_api_keys"
