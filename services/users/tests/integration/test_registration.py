"""POST /users."""

import asyncio
from datetime import datetime, timedelta

import httpx
import pytest

from shared.testing.mail_sink import Sink
from users.hashing import Passwords

from .mails import mail_about, token_in
from .people import PASSWORD, Account, Accounts, new_email


async def _register(client: httpx.AsyncClient, **fields: object) -> httpx.Response:
    body = {"name": "Ada Lovelace", "email": new_email(), "password": PASSWORD, **fields}
    return await client.post("/api/v1/users", json=body)


async def test_registering_makes_an_account(client: httpx.AsyncClient):
    email = new_email()
    answer = await _register(client, email=email)
    assert answer.status_code == 201
    found = answer.json()
    assert answer.headers["location"] == f"/api/v1/users/{found['id']}"
    assert answer.headers["etag"] == '"1"'
    assert set(found) == {"id", "name", "email", "role", "created_at", "email_verified"}
    assert (found["name"], found["email"], found["role"]) == ("Ada Lovelace", email, "user")
    assert datetime.fromisoformat(found["created_at"]).utcoffset() == timedelta(0)


async def test_version_2_points_to_itself(client: httpx.AsyncClient):
    body = {"name": "Ada", "email": new_email(), "password": PASSWORD}
    answer = await client.post("/api/v2/users", json=body)
    assert answer.headers["location"] == f"/api/v2/users/{answer.json()['id']}"


async def test_mass_assignment_is_ignored(client: httpx.AsyncClient, accounts: Accounts):
    extra = {"role": "admin", "is_admin": True, "tier": "pro", "id": 1, "version": 9, "disabled_at": "2020-01-01"}
    answer = await _register(client, **extra)
    assert answer.status_code == 201
    assert answer.json()["role"] == "user"
    tier = await accounts.value("SELECT tier FROM users WHERE id = $1", answer.json()["id"])
    assert tier == "free"


async def test_a_taken_address_is_answered_as_a_free_one_is(
    client: httpx.AsyncClient, account: Account, admin: Account
):
    # TRAPS.md, Auth 4
    free, taken = await _register(client), await _register(client, email=account.email.upper(), name="Eve")
    assert (free.status_code, taken.status_code) == (201, 201)
    assert set(free.headers) == set(taken.headers)
    shown = taken.json()
    assert list(shown) == list(free.json())
    assert (shown["name"], shown["email"].casefold()) == ("Eve", account.email.casefold())
    same = ("role", "email_verified")
    assert [shown[name] for name in same] == [free.json()[name] for name in same]
    assert taken.headers["location"] == f"/api/v1/users/{shown['id']}"
    assert taken.headers["etag"] == free.headers["etag"]
    assert account.id != shown["id"]
    assert (await client.get(f"/api/v1/users/{shown['id']}", headers=admin.headers)).status_code == 404
    mine = (await client.get("/api/v1/users/me", headers=account.headers)).json()
    assert (mine["id"], mine["name"]) == (account.id, "Ada Lovelace")


async def test_the_numbers_do_not_tell_which_address_was_taken(client: httpx.AsyncClient, account: Account):
    emails = [new_email(), account.email, new_email(), account.email, new_email()]
    numbers = [(await _register(client, email=email)).json()["id"] for email in emails]
    assert numbers == list(range(numbers[0], numbers[0] + len(emails)))


async def test_of_many_at_once_one_gets_the_address(client: httpx.AsyncClient, accounts: Accounts):
    email = new_email()
    answers = await asyncio.gather(*(_register(client, email=email) for _ in range(8)))
    assert [answer.status_code for answer in answers] == [201] * 8
    numbers = {answer.json()["id"] for answer in answers}
    assert len(numbers) == 8
    assert await accounts.value("SELECT count(*) FROM users WHERE email = $1", email) == 1
    assert await accounts.value("SELECT id FROM users WHERE email = $1", email) in numbers


@pytest.mark.usefixtures("worker")
async def test_the_owner_of_a_taken_address_is_told(client: httpx.AsyncClient, account: Account, sink: Sink):
    await _register(client, email=account.email, name="Eve")
    mail = await mail_about(sink, account.email, "You have an account already")
    assert "Hello Ada Lovelace," in mail.get_content()
    assert "Eve" not in mail.as_string()
    assert token_in(mail).startswith("ghp_")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"name": "R2D2"}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"name": 7}, "name"),
        ({"name": "Ada\nBcc: eve@example.com"}, "name"),
        ({"email": "nobody"}, "email"),
        ({"email": None}, "email"),
        ({"password": "Short1"}, "password"),
        ({"password": "nouppercase1"}, "password"),
        ({"password": "NoDigitHere"}, "password"),
        ({"password": "Password1"}, "password"),
        ({"password": "A1" + "x" * 127}, "password"),
        ({"password": "Charlie1"}, "password"),
        ({"email": "Same1Same@example.com", "password": "Same1Same@example.com"}, "password"),
        ({"email": "countess@example.com", "password": "1815-Countess"}, "password"),
        ({"password": "Lovelace1815"}, "password"),
    ],
)
async def test_what_breaks_a_rule_is_named(client: httpx.AsyncClient, fields: dict[str, object], wrong: str):
    answer = await _register(client, **fields)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "validation_error"
    assert [error["field"] for error in problem["errors"]] == [wrong]
    assert set(problem) == {"type", "title", "status", "detail", "code", "instance", "trace_id", "errors"}


async def test_a_lone_surrogate_is_no_text(client: httpx.AsyncClient):
    body = b'{"name":"Ada","email":"x@example.com","password":"Abcdefg1\\ud800"}'
    answer = await client.post("/api/v1/users", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


async def test_the_space_around_a_password_is_part_of_it(client: httpx.AsyncClient):
    email = new_email()
    await _register(client, email=email, password=" Spaced-Out-1 ")
    for password, status in ((" Spaced-Out-1 ", 200), ("Spaced-Out-1", 401)):
        answer = await client.post("/api/v1/auth/login", json={"email": email, "password": password})
        assert answer.status_code == status


async def test_bodies_that_are_no_json(client: httpx.AsyncClient):
    headers = {"Content-Type": "application/json"}
    malformed = await client.post("/api/v1/users", content=b"{", headers=headers)
    assert (malformed.status_code, malformed.json()["code"]) == (400, "malformed_json")
    form = await client.post("/api/v1/users", data={"name": "Ada"})
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")
    empty = await client.post("/api/v1/users")
    assert empty.status_code == 422


async def test_other_methods_are_refused_with_allow(client: httpx.AsyncClient):
    answer = await client.put("/api/v1/users", json={})
    assert answer.status_code == 405
    assert {"GET", "HEAD", "POST"} == set(answer.headers["allow"].split(", "))
    assert answer.json()["code"] == "method_not_allowed"


async def test_registering_hashes_for_a_taken_address_too(
    client: httpx.AsyncClient, account: Account, monkeypatch: pytest.MonkeyPatch
):
    # TRAPS.md, Auth 4. What takes the time is counted, since a busy machine's clock tells little.
    make_hash = Passwords.hash
    hashed: list[str] = []

    async def watched(self: Passwords, password: str) -> str:
        hashed.append(password)
        return await make_hash(self, password)

    monkeypatch.setattr(Passwords, "hash", watched)
    statuses = [(await _register(client, email=email)).status_code for email in (account.email, new_email())]
    assert (statuses, hashed) == ([201, 201], [PASSWORD] * 2)


async def test_the_password_is_kept_as_argon2id_only(accounts: Accounts, account: Account):
    stored = await accounts.value("SELECT users::text FROM users WHERE id = $1", account.id)
    assert "$argon2id$" in stored
    assert PASSWORD not in stored
