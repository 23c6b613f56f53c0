"""Reading, changing and removing accounts."""

import asyncio

import httpx
import pytest

from shared.testing.tokens import Signer

from .people import GATEWAY, Account, Accounts, new_email


async def test_me(client: httpx.AsyncClient, account: Account):
    answer = await client.get("/api/v1/users/me", headers=account.headers)
    assert answer.status_code == 200
    assert answer.json()["id"] == account.id
    assert answer.headers["etag"] == '"1"'
    again = await client.get("/api/v1/users/me", headers={**account.headers, "If-None-Match": '"1"'})
    assert (again.status_code, again.content) == (304, b"")


async def test_one_account_in_both_versions(client: httpx.AsyncClient, account: Account):
    first = await client.get(f"/api/v1/users/{account.id}", headers=account.headers)
    assert first.json()["name"] == "Ada Lovelace"
    second = await client.get(f"/api/v2/users/{account.id}", headers=account.headers)
    assert second.json() == {
        **first.json(),
        "name": {"first": "Ada", "last": "Lovelace"},
        "links": {"self": f"/api/v2/users/{account.id}"},
    }
    assert second.headers["etag"] == '"1"'
    unchanged = {**account.headers, "If-None-Match": 'W/"1"'}
    assert (await client.get(f"/api/v2/users/{account.id}", headers=unchanged)).status_code == 304


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_anothers_account_is_not_there(
    client: httpx.AsyncClient, account: Account, stranger: Account, method: str
):
    body = {"name": "Eve", "email": new_email()} if method in ("PUT", "PATCH") else None
    for user_id in (account.id, 2**40):
        answer = await client.request(method, f"/api/v1/users/{user_id}", headers=stranger.headers, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")
    assert (await client.get("/api/v1/users/me", headers=account.headers)).json()["name"] == "Ada Lovelace"


async def test_an_admin_sees_any(client: httpx.AsyncClient, account: Account, admin: Account):
    answer = await client.get(f"/api/v1/users/{account.id}", headers=admin.headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/users", "/users/me", "/users/1", "/users/me/sessions", "/users/me/api-keys"])
async def test_nothing_without_a_token(client: httpx.AsyncClient, path: str):
    answer = await client.get(f"/api/v1{path}")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_signed_by_another_key(client: httpx.AsyncClient, account: Account, signer: Signer):
    answer = await client.get("/api/v1/users/me", headers=signer.headers(account.id))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


async def test_the_list_is_for_admins(client: httpx.AsyncClient, account: Account, admin: Account):
    refused = await client.get("/api/v1/users", headers=account.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    answer = await client.get("/api/v1/users", headers=admin.headers, params={"page_size": 1, "page": 2})
    page = answer.json()
    assert set(page) == {"items", "total", "page", "page_size"}
    assert (len(page["items"]), page["page"], page["page_size"]) == (1, 2, 1)
    assert page["total"] >= 2


async def test_the_list_by_role(client: httpx.AsyncClient, account: Account, admin: Account):
    admins = (await client.get("/api/v1/users", headers=admin.headers, params={"role": "admin"})).json()
    assert admin.id in {item["id"] for item in admins["items"]}
    assert account.id not in {item["id"] for item in admins["items"]}
    assert {item["role"] for item in admins["items"]} == {"admin"}
    assert admins["total"] == len(admins["items"])


@pytest.mark.parametrize("query", ["page=0", "page=x", "page_size=0", "page_size=101", "role=king"])
async def test_bounds_of_the_list(client: httpx.AsyncClient, admin: Account, query: str):
    answer = await client.get(f"/api/v1/users?{query}", headers=admin.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


async def test_patch_changes_what_is_named(client: httpx.AsyncClient, account: Account):
    answer = await client.patch(f"/api/v1/users/{account.id}", headers=account.headers, json={"name": "Ada Byron"})
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["email"]) == ("Ada Byron", account.email)
    assert answer.headers["etag"] == '"2"'
    same = await client.patch(f"/api/v1/users/{account.id}", headers=account.headers, json={"name": "Ada Byron"})
    assert same.headers["etag"] == '"2"'
    nothing = await client.patch(f"/api/v1/users/{account.id}", headers=account.headers, json={})
    assert (nothing.status_code, nothing.headers["etag"]) == (200, '"2"')


async def test_patch_takes_a_merge_patch_and_removes_nothing(client: httpx.AsyncClient, account: Account):
    headers = {**account.headers, "Content-Type": "application/merge-patch+json"}
    path = f"/api/v1/users/{account.id}"
    assert (await client.patch(path, headers=headers, content=b'{"name": "Ada"}')).status_code == 200
    answer = await client.patch(path, headers=headers, content=b'{"name": null}')
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "name")


async def test_put_needs_the_whole(client: httpx.AsyncClient, account: Account):
    path = f"/api/v1/users/{account.id}"
    body = {"name": "Ada Byron", "email": account.email.upper()}
    answer = await client.put(path, headers=account.headers, json=body)
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["role"]) == ("Ada Byron", "user")
    assert answer.json()["email"].casefold() == account.email
    partly = await client.put(path, headers=account.headers, json={"name": "Ada"})
    assert (partly.status_code, partly.json()["errors"][0]["field"]) == (422, "email")


async def test_a_role_is_an_admins_to_give(client: httpx.AsyncClient, account: Account, admin: Account):
    path = f"/api/v1/users/{account.id}"
    for method, body in (("PATCH", {"role": "admin"}), ("PUT", {"name": "A", "email": new_email(), "role": "admin"})):
        refused = await client.request(method, path, headers=account.headers, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    same = await client.patch(path, headers=account.headers, json={"role": "user", "is_admin": True, "tier": "pro"})
    assert (same.status_code, same.json()["role"]) == (200, "user")
    given = await client.patch(path, headers=admin.headers, json={"role": "admin"})
    assert (given.status_code, given.json()["role"]) == (200, "admin")
    assert (await client.patch(path, headers=admin.headers, json={"role": "user"})).status_code == 200
    assert (await client.patch(path, headers=admin.headers, json={"role": "king"})).status_code == 422


async def test_the_address_of_another_cannot_be_had(
    client: httpx.AsyncClient, account: Account, stranger: Account, admin: Account
):
    path = f"/api/v1/users/{account.id}"
    answer = await client.patch(path, headers=admin.headers, json={"email": stranger.email.upper()})
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
    # The owner is not told, since that would tell who has an account (TRAPS.md, Auth 4).
    own = await client.patch(path, headers=account.headers, json={"email": stranger.email})
    assert (own.status_code, own.json()["email"], own.json()["pending_email"]) == (200, account.email, stranger.email)
    free = await client.patch(path, headers=account.headers, json={"email": new_email()})
    assert list(free.json()) == list(own.json())


async def test_another_spelling_of_ones_address_needs_no_proof(client: httpx.AsyncClient, account: Account):
    path = f"/api/v1/users/{account.id}"
    answer = await client.patch(path, headers=account.headers, json={"email": account.email.upper()})
    assert (answer.status_code, answer.json()["email"]) == (
        200,
        account.email.upper().replace("EXAMPLE.COM", "example.com"),
    )
    assert "pending_email" not in answer.json()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_if_match(client: httpx.AsyncClient, account: Account, method: str):
    path = f"/api/v1/users/{account.id}"
    body = {"name": "Ada Byron", "email": account.email} if method != "DELETE" else None
    for tag in ('"7"', 'W/"1"'):
        late = await client.request(method, path, headers={**account.headers, "If-Match": tag}, json=body)
        assert (late.status_code, late.json()["code"]) == (412, "version_mismatch")
    right = await client.request(method, path, headers={**account.headers, "If-Match": '"1"'}, json=body)
    assert right.status_code in (200, 204)


async def test_of_two_writers_with_one_version_one_wins(client: httpx.AsyncClient, account: Account):
    headers = {**account.headers, "If-Match": '"1"'}
    answers = await asyncio.gather(
        *(
            client.patch(f"/api/v1/users/{account.id}", headers=headers, json={"name": f"Ada {name}"})
            for name in ("Byron", "King", "Lovelace", "Augusta")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_deleting_ends_everything(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    key = await client.post("/api/v1/users/me/api-keys", headers=account.headers, json={"name": "script"})
    answer = await client.delete(f"/api/v1/users/{account.id}", headers=account.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get("/api/v1/users/me", headers=account.headers)).json()["code"] == "invalid_token"
    refresh = {"refresh_token": account.tokens["refresh_token"]}
    assert (await client.post("/api/v1/auth/refresh", json=refresh)).status_code == 401
    exchange = await client.post("/internal/api-keys/exchange", json={"api_key": key.json()["key"]}, auth=GATEWAY)
    assert exchange.status_code == 401
    for table in ("sessions", "api_keys"):
        count = await accounts.value(f"SELECT count(*) FROM {table} WHERE user_id = $1", account.id)  # noqa: S608 - ours
        assert count == 0


async def test_the_last_admin_stays(client: httpx.AsyncClient, admin: Account):
    path = f"/api/v1/users/{admin.id}"
    deleted = await client.delete(path, headers=admin.headers)
    assert (deleted.status_code, deleted.json()["code"]) == (409, "last_admin")
    demoted = await client.patch(path, headers=admin.headers, json={"role": "user"})
    assert (demoted.status_code, demoted.json()["code"]) == (409, "last_admin")
    assert (await client.patch(path, headers=admin.headers, json={"name": "Still Admin"})).status_code == 200


async def test_two_admins_cannot_remove_each_other_at_once(client: httpx.AsyncClient, accounts: Accounts):
    for _ in range(5):
        one, other = await accounts.make("One", role="admin"), await accounts.make("Other", role="admin")
        answers = await asyncio.gather(
            client.patch(f"/api/v1/users/{other.id}", headers=one.headers, json={"role": "user"}),
            client.patch(f"/api/v1/users/{one.id}", headers=other.headers, json={"role": "user"}),
        )
        # The loser met the lock, or was no admin any more when it was asked, or its token had ended by then.
        assert min(answer.status_code for answer in answers) == 200
        assert {answer.status_code for answer in answers} <= {200, 401, 404, 409}
        assert await accounts.value("SELECT count(*) FROM users WHERE role = 'admin'") == 1
        await accounts.execute("UPDATE users SET role = 'user'")


async def test_a_demoted_admin_is_none_at_once(client: httpx.AsyncClient, admin: Account, accounts: Accounts):
    assert (await client.get("/api/v1/users", headers=admin.headers)).status_code == 200
    await accounts.execute("UPDATE users SET role = 'user' WHERE id = $1", admin.id)
    # 401 once the word that the stronger token has ended is out, which takes its second.
    assert (await client.get("/api/v1/users", headers=admin.headers)).status_code in (403, 401)


@pytest.mark.parametrize("user_id", ["0", "-1", "abc", str(2**63)])
async def test_ids_that_cannot_be(client: httpx.AsyncClient, account: Account, user_id: str):
    assert (await client.get(f"/api/v1/users/{user_id}", headers=account.headers)).status_code == 422
