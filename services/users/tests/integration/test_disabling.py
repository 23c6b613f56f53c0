"""PATCH /users/{id} with ``disabled``: an admin shuts an account, and opens it again."""

import httpx
import pytest

from .people import PASSWORD, Account, Accounts


async def _set(client: httpx.AsyncClient, by: Account, whose: Account, *, disabled: object) -> httpx.Response:
    return await client.patch(f"/api/v1/users/{whose.id}", headers=by.headers, json={"disabled": disabled})


async def test_a_disabled_account_is_shut_at_once_and_its_logins_stay_ended(
    client: httpx.AsyncClient, account: Account, admin: Account, accounts: Accounts
):
    answer = await _set(client, admin, account, disabled=True)
    assert (answer.status_code, answer.json()["disabled"], answer.headers["etag"]) == (200, True, '"2"')
    assert (await client.get("/api/v1/users/me", headers=account.headers)).status_code == 401
    login = await client.post("/api/v1/auth/login", json={"email": account.email, "password": PASSWORD})
    assert (login.status_code, login.json()["code"]) == (401, "invalid_credentials")
    opened = await _set(client, admin, account, disabled=False)
    assert (opened.status_code, "disabled" in opened.json()) == (200, False)
    refresh = {"refresh_token": account.tokens["refresh_token"]}
    assert (await client.post("/api/v1/auth/refresh", json=refresh)).status_code == 401
    assert (await client.get("/api/v1/users/me", headers=account.headers)).status_code == 401
    assert await accounts.log_in(account.email)


async def test_it_is_on_record_once_with_who_did_it(client: httpx.AsyncClient, account: Account, admin: Account):
    for disabled in (True, True, False):
        await _set(client, admin, account, disabled=disabled)
    page = (await client.get("/api/v1/audit-events", headers=admin.headers, params={"subject_id": account.id})).json()
    found = [(item["action"], item["actor_id"]) for item in page["items"] if item["action"].startswith("user.")]
    assert found == [("user.enabled", admin.id), ("user.disabled", admin.id)]


async def test_it_is_an_admins_to_do(client: httpx.AsyncClient, account: Account, stranger: Account):
    own = await _set(client, account, account, disabled=True)
    assert (own.status_code, own.json()["code"]) == (403, "forbidden")
    assert (await _set(client, account, account, disabled=False)).status_code == 200
    assert (await _set(client, stranger, account, disabled=True)).status_code == 404
    assert (await client.get("/api/v1/users/me", headers=account.headers)).status_code == 200


async def test_the_last_admin_cannot_be_shut_out(client: httpx.AsyncClient, admin: Account):
    answer = await _set(client, admin, admin, disabled=True)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")


@pytest.mark.parametrize("value", ["yes", 1, None, "true"])
async def test_it_is_true_or_false(client: httpx.AsyncClient, account: Account, admin: Account, value: object):
    answer = await _set(client, admin, account, disabled=value)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "disabled")
