"""The welcome mail, from the registration to a real SMTP server."""

import asyncio
from typing import Any

import httpx
import pytest

from shared.jobs import enqueue
from shared.testing.waiting import PATIENCE_SECONDS
from users.jobs.welcome_mail import WELCOME_MAIL, WelcomeMail

from .mails import token_in
from .people import PASSWORD, Accounts, new_email

pytestmark = pytest.mark.usefixtures("worker")


async def _register(client: httpx.AsyncClient, name: str, email: str) -> int:
    answer = await client.post("/api/v1/users", json={"name": name, "email": email, "password": PASSWORD})
    assert answer.status_code == 201
    return answer.json()["id"]


async def _job(accounts: Accounts, user_id: int) -> dict[str, Any]:
    async with accounts.database.acquire() as connection:
        row = await connection.fetchrow("SELECT * FROM jobs WHERE payload->>'user_id' = $1", str(user_id))
    assert row is not None
    return dict(row)


async def _finished(accounts: Accounts, user_id: int) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            job = await _job(accounts, user_id)
            if job["status"] not in ("queued", "running"):
                return job
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", ["Ada Lovelace", "Zoë O'Brien-Müller", "李小龍"])
async def test_who_registers_is_greeted(client: httpx.AsyncClient, accounts: Accounts, sink: Any, name: str):
    email = new_email()
    user_id = await _register(client, name, email)
    mail = await sink.mail_to(email)
    job = await _finished(accounts, user_id)
    assert job["status"] == "succeeded"
    assert mail["Message-ID"] == f"<{job['id']}@gatehouse.example>"
    assert mail["To"].addresses[0].display_name == name
    assert mail["To"].addresses[0].addr_spec == email
    assert mail["Auto-Submitted"] == "auto-generated"
    assert f"Hello {name}," in mail.get_content()
    assert PASSWORD not in mail.as_string()
    assert token_in(mail).startswith("ghv_")


async def test_a_server_that_wants_it_later_is_asked_again(client: httpx.AsyncClient, accounts: Accounts, sink: Any):
    email = new_email()
    sink.answers[email] = "451 later"
    user_id = await _register(client, "Ada Lovelace", email)
    assert await sink.mail_to(email)
    job = await _finished(accounts, user_id)
    assert (job["status"], job["attempt"]) == ("succeeded", 2)
    assert sink.recipients.count(email) == 1


async def test_a_refused_mail_is_not_tried_again(client: httpx.AsyncClient, accounts: Accounts, sink: Any):
    email = new_email()
    sink.answers[email] = "554 never"
    user_id = await _register(client, "Ada Lovelace", email)
    job = await _finished(accounts, user_id)
    assert (job["status"], job["attempt"]) == ("failed", 1)
    assert email not in str(job)
    assert email not in sink.recipients


async def test_nobody_is_greeted_who_is_gone(accounts: Accounts, sink: Any):
    async with accounts.database.transaction() as connection:
        await enqueue(connection, WELCOME_MAIL, WelcomeMail(user_id=2**40))
    job = await _finished(accounts, 2**40)
    assert (job["status"], job["attempt"]) == ("succeeded", 1)
    assert f"<{job['id']}@gatehouse.example>" not in [mail["Message-ID"] for mail in sink.mails]


async def test_who_is_not_registered_is_not_greeted(client: httpx.AsyncClient, accounts: Accounts):
    email = new_email()
    await _register(client, "Ada Lovelace", email)
    count = "SELECT count(*) FROM jobs WHERE type = 'users.welcome_mail'"
    before = await accounts.value(count)
    await _register(client, "Eve", email)
    assert await accounts.value(count) == before
