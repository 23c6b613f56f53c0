"""/oauth/clients: programs administered."""

import asyncio
from typing import Any

import httpx
import jwt
import pytest

from shared.testing.waiting import eventually
from users.store import oauth_clients as store

from .oauth_programs import TOKEN, Programs
from .people import GATEWAY, Account, Accounts

PATH = "/api/v1/oauth/clients"
SERVICE = {"name": "billing", "type": "confidential", "grants": ["client_credentials"], "scopes": ["orders:read"]}
APP = {
    "name": "app",
    "type": "public",
    "grants": ["authorization_code", "refresh_token"],
    "redirect_uris": ["https://app.example/back"],
    "scopes": ["orders:read"],
}


async def make(client: httpx.AsyncClient, admin: Account, **fields: object) -> dict[str, Any]:
    answer = await client.post(PATH, headers=admin.headers, json={**SERVICE, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def ask(client: httpx.AsyncClient, client_id: str, secret: str) -> httpx.Response:
    return await client.post(TOKEN, data={"grant_type": "client_credentials"}, auth=httpx.BasicAuth(client_id, secret))


async def test_a_client_is_registered_and_its_secret_shown_once(
    client: httpx.AsyncClient, admin: Account, accounts: Accounts
):
    answer = await client.post(PATH, headers=admin.headers, json=SERVICE)
    made = answer.json()
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{PATH}/{made['client_id']}"
    assert answer.headers["cache-control"] == "no-store"
    secret = made.pop("client_secret")
    assert secret.startswith("ghs_")
    assert secret.startswith(made["secrets"][0]["prefix"])
    assert (await client.get(f"{PATH}/{made['client_id']}", headers=admin.headers)).json() == made
    assert made["tier"] == "service"
    page = (await client.get(PATH, headers=admin.headers)).json()
    assert page["items"][0] == made
    kept = await accounts.value("SELECT string_agg(s::text, '') FROM oauth_client_secrets AS s")
    assert secret[8:] not in kept
    assert (await ask(client, made["client_id"], secret)).status_code == 200


async def test_a_public_client_has_no_secret(client: httpx.AsyncClient, admin: Account):
    made = await make(client, admin, **APP)
    assert (made["client_secret"], made["secrets"]) == (None, [])
    refused = await client.post(f"{PATH}/{made['client_id']}/secrets", headers=admin.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "public_client")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"scopes": ["orders:read", "admin"]}, "scopes"),
        ({"scopes": ["orders:burn"]}, "scopes"),
        ({**APP, "scopes": ["keys:exchange"]}, "scopes"),
        ({"grants": ["password"]}, "grants.0"),
        ({"grants": ["refresh_token"]}, "grants"),
        ({**APP, "grants": ["authorization_code", "client_credentials"]}, "grants"),
        ({"type": "public"}, "type"),
        ({**APP, "redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": ["https://app.example/back"]}, "redirect_uris"),
        ({**APP, "redirect_uris": ["http://app.example/back"]}, "redirect_uris.0"),
        ({"name": "a\nb"}, "name"),
        ({"tier": "admin"}, "tier"),
    ],
)
async def test_rules_of_a_client(client: httpx.AsyncClient, admin: Account, fields: dict[str, object], wrong: str):
    answer = await client.post(PATH, headers=admin.headers, json={**SERVICE, **fields})
    assert answer.status_code == 422, answer.text
    assert wrong in [error["field"] for error in answer.json()["errors"]]


async def test_a_change_keeps_what_is_not_named(client: httpx.AsyncClient, admin: Account):
    made = await make(client, admin, scopes=["orders:read", "users:read"])
    path = f"{PATH}/{made['client_id']}"
    changed = (await client.patch(path, headers=admin.headers, json={"name": "ledger", "type": "public"})).json()
    assert {**made, "name": "ledger"} == {**changed, "client_secret": made["client_secret"]}
    wrong = await client.patch(path, headers=admin.headers, json={"grants": ["authorization_code"]})
    assert wrong.status_code == 422
    assert (await client.patch(path, headers=admin.headers, json={"scopes": None})).status_code == 422


async def test_two_secrets_hold_while_they_are_rotated(client: httpx.AsyncClient, admin: Account):
    made = await make(client, admin)
    first, path = made["client_secret"], f"{PATH}/{made['client_id']}/secrets"
    second = await client.post(path, headers=admin.headers)
    assert (second.status_code, second.headers["cache-control"]) == (201, "no-store")
    second_secret = second.json()["client_secret"]
    for secret in (first, second_secret):
        assert (await ask(client, made["client_id"], secret)).status_code == 200
    third = (await client.post(path, headers=admin.headers)).json()["client_secret"]
    statuses = [(await ask(client, made["client_id"], secret)).status_code for secret in (first, second_secret, third)]
    assert statuses == [401, 200, 200]
    shown = (await client.get(f"{PATH}/{made['client_id']}", headers=admin.headers)).json()["secrets"]
    assert [secret["last_used_at"] is not None for secret in shown] == [True, True]


async def test_secrets_asked_for_at_once_are_two_at_most(client: httpx.AsyncClient, admin: Account, accounts: Accounts):
    made = await make(client, admin)
    path = f"{PATH}/{made['client_id']}/secrets"
    await asyncio.gather(*(client.post(path, headers=admin.headers) for _ in range(6)))
    count = "SELECT count(*) FROM oauth_client_secrets WHERE client_id = $1"
    assert await accounts.value(count, made["client_id"]) == 2


async def test_a_secret_that_leaked_ends_with_its_tokens(client: httpx.AsyncClient, admin: Account, accounts: Accounts):
    made = await make(client, admin)
    token = (await ask(client, made["client_id"], made["client_secret"])).json()["access_token"]
    path = f"{PATH}/{made['client_id']}/secrets/{made['secrets'][0]['id']}"
    assert (await client.delete(path, headers=admin.headers)).status_code == 204
    assert (await ask(client, made["client_id"], made["client_secret"])).status_code == 401
    assert not await _alive(accounts, token)
    gone = await client.delete(path, headers=admin.headers)
    assert (gone.status_code, gone.json()["code"]) == (404, "oauth_secret_not_found")


async def test_a_client_that_loses_a_scope_loses_its_tokens(
    client: httpx.AsyncClient, admin: Account, accounts: Accounts
):
    made = await make(client, admin, scopes=["orders:read", "users:read"])
    path = f"{PATH}/{made['client_id']}"
    token = (await ask(client, made["client_id"], made["client_secret"])).json()["access_token"]
    more = {"scopes": ["orders:read", "users:read", "reports:read"]}
    assert (await client.patch(path, headers=admin.headers, json=more)).status_code == 200
    assert await _alive(accounts, token)
    assert (await client.patch(path, headers=admin.headers, json={"scopes": ["orders:read"]})).status_code == 200
    assert not await _alive(accounts, token)


async def test_a_client_that_is_removed(client: httpx.AsyncClient, admin: Account, accounts: Accounts):
    made = await make(client, admin)
    token = (await ask(client, made["client_id"], made["client_secret"])).json()["access_token"]
    path = f"{PATH}/{made['client_id']}"
    assert (await client.delete(path, headers=admin.headers)).status_code == 204
    assert (await ask(client, made["client_id"], made["client_secret"])).status_code == 401
    assert not await _alive(accounts, token)
    for method in ("GET", "DELETE"):
        gone = await client.request(method, path, headers=admin.headers)
        assert (gone.status_code, gone.json()["code"]) == (404, "oauth_client_not_found")


async def test_only_an_admin_who_logged_in_makes_clients(client: httpx.AsyncClient, admin: Account, account: Account):
    assert (await client.post(PATH, json=SERVICE)).status_code == 401
    for method, path in (("POST", PATH), ("GET", PATH), ("GET", f"{PATH}/client-x"), ("DELETE", f"{PATH}/client-x")):
        body = SERVICE if method == "POST" else None
        answer = await client.request(method, path, headers=account.headers, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
    scopes = ["users:read", "users:write", "admin"]
    key = await client.post(
        "/api/v1/users/me/api-keys", headers=admin.headers, json={"name": "script", "scopes": scopes}
    )
    exchanged = await client.post("/internal/api-keys/exchange", json={"api_key": key.json()["key"]}, auth=GATEWAY)
    headers = {"Authorization": f"Bearer {exchanged.json()['access_token']}"}
    assert (await client.get(PATH, headers=headers)).status_code == 200
    assert (await client.post(PATH, headers=headers, json=SERVICE)).status_code == 403


async def test_what_is_done_to_clients_is_on_record(client: httpx.AsyncClient, admin: Account):
    made = await make(client, admin)
    path = f"{PATH}/{made['client_id']}"
    await client.patch(path, headers=admin.headers, json={"name": "ledger"})
    await client.patch(path, headers=admin.headers, json={"name": "ledger"})
    secret = (await client.post(f"{path}/secrets", headers=admin.headers)).json()
    await client.delete(f"{path}/secrets/{secret['id']}", headers=admin.headers)
    await client.delete(path, headers=admin.headers)
    items = (await client.get("/api/v1/audit-events", headers=admin.headers)).json()["items"]
    own = [item for item in items if item.get("client_id") == made["client_id"]]
    assert [item["action"] for item in reversed(own)] == [
        "oauth_client.made",
        "oauth_client.changed",
        "oauth_client.secret_made",
        "oauth_client.secret_deleted",
        "oauth_client.deleted",
    ]
    assert {(item["actor_id"], item["subject_id"]) for item in own} == {(admin.id, 0)}


async def _alive(accounts: Accounts, token: str) -> bool:
    token_id = jwt.decode(token, options={"verify_signature": False})["jti"]
    return await accounts.value("SELECT revoked_at IS NULL FROM service_tokens WHERE token_id = $1", token_id)


async def test_a_secret_that_ends_while_it_is_shown_gets_no_token(programs: Programs):
    program = await programs.make()
    await program.token()  # so that showing it again writes nothing, and does not wait for the row
    async with programs.database.transaction() as connection:
        await store.lock(connection, program.client_id)
        await connection.execute("DELETE FROM oauth_client_secrets WHERE client_id = $1", program.client_id)
        asked = asyncio.create_task(program.ask())
        await eventually(lambda: _waiting_for_a_lock(programs), True)
    answer = await asked
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def _waiting_for_a_lock(programs: Programs) -> bool:
    # In this database, whose other sessions are idle here.
    waiting = """
        SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
            AND query LIKE '%oauth_clients%FOR SHARE%')
    """
    async with programs.database.acquire() as connection:
        return bool(await connection.fetchval(waiting))
