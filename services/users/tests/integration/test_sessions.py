"""/users/me/sessions."""

import httpx

from .people import Account, Accounts

PATH = "/api/v1/users/me/sessions"


async def test_sessions_are_listed_the_newest_first(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    await accounts.log_in(account.email)
    page = (await client.get(PATH, headers=account.headers)).json()
    assert (page["total"], page["page"], page["page_size"]) == (2, 1, 20)
    assert [item["current"] for item in page["items"]] == [False, True]
    first = page["items"][0]
    assert set(first) == {
        "id",
        "user_agent",
        "address",
        "created_at",
        "last_used_at",
        "expires_at",
        "current",
        "client",
    }
    assert first["user_agent"].startswith("python-httpx")
    assert first["address"] == "127.0.0.1"
    one = await client.get(f"{PATH}/{first['id']}", headers=account.headers)
    assert one.json() == first


async def test_ending_one(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    other = await accounts.log_in(account.email)
    newest = (await client.get(PATH, headers=account.headers)).json()["items"][0]
    path = f"{PATH}/{newest['id']}"
    assert (await client.delete(path, headers=account.headers)).status_code == 204
    gone = await client.delete(path, headers=account.headers)
    assert (gone.status_code, gone.json()["code"]) == (404, "session_not_found")
    refresh = {"refresh_token": other["refresh_token"]}
    assert (await client.post("/api/v1/auth/refresh", json=refresh)).status_code == 401
    assert (await client.get(PATH, headers=account.headers)).json()["total"] == 1


async def test_ending_all(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    await accounts.log_in(account.email)
    assert (await client.delete(PATH, headers=account.headers)).status_code == 204
    assert (await client.get(PATH, headers=account.headers)).status_code == 401


async def test_anothers_session_is_not_there(client: httpx.AsyncClient, account: Account, stranger: Account):
    own = (await client.get(PATH, headers=account.headers)).json()["items"][0]
    for method in ("GET", "DELETE"):
        answer = await client.request(method, f"{PATH}/{own['id']}", headers=stranger.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
    assert (await client.get("/api/v1/users/me", headers=account.headers)).status_code == 200
