"""The mail on a finished report, from the request to a real SMTP server."""

import asyncpg
import httpx
import pytest

from shared.testing.mail_sink import Sink
from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

from .story import OtherServices, finished, new_id, user


async def known(others: OtherServices, database: asyncpg.Connection) -> int:
    """Someone whose address an event has told."""
    user_id = new_id()
    await others.say("users.registered.v1", user(user_id, "Grace Hopper"))

    async def seen() -> bool:
        return await database.fetchval("SELECT email IS NOT NULL FROM seen_users WHERE id = $1", user_id)

    await eventually(seen)
    return user_id


async def ask(api: httpx.AsyncClient, headers: dict[str, str], **more: object) -> str:
    body = {"type": "user_activity", "format": "csv", **more}
    answer = await api.post("/api/v1/reports", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.headers["location"]


async def mail_jobs(database: asyncpg.Connection, location: str) -> list[asyncpg.Record]:
    return await database.fetch(
        "SELECT id, status FROM jobs WHERE type = 'reports.ready_mail' AND payload->>'report_id' = $1",
        location.rpartition("/")[2],
    )


async def test_who_asked_for_it_gets_a_mail_and_who_did_not_gets_none(
    api: httpx.AsyncClient, signer: Signer, others: OtherServices, database: asyncpg.Connection, sink: Sink
):
    user_id = await known(others, database)
    headers = signer.headers(user_id)
    silent = await ask(api, headers)
    told = await ask(api, headers, notify=True)
    assert (await finished(api, silent, headers))["notify"] is False
    assert (await finished(api, told, headers))["notify"] is True
    mail = await sink.mail_to(f"user{user_id}@example.com")
    assert f"{told}/content" in mail.get_content()
    [job] = await mail_jobs(database, told)
    assert mail["Message-ID"] == f"<{job['id']}@gatehouse.example>"
    assert await mail_jobs(database, silent) == []
    assert sink.recipients.count(f"user{user_id}@example.com") == 1


async def test_a_server_that_wants_it_later_gets_it_later_and_the_report_is_not_made_again(
    api: httpx.AsyncClient, signer: Signer, others: OtherServices, database: asyncpg.Connection, sink: Sink
):
    user_id = await known(others, database)
    sink.answers[f"user{user_id}@example.com"] = "451 later"
    headers = signer.headers(user_id)
    location = await ask(api, headers, notify=True)
    assert (await finished(api, location, headers))["status"] == "succeeded"
    assert await sink.mail_to(f"user{user_id}@example.com")
    assert sink.recipients.count(f"user{user_id}@example.com") == 1


@pytest.mark.usefixtures("worker_process")
async def test_an_account_whose_address_is_not_known_fails_nothing(
    api: httpx.AsyncClient, signer: Signer, database: asyncpg.Connection
):
    headers = signer.headers(new_id())
    location = await ask(api, headers, notify=True)
    assert (await finished(api, location, headers))["status"] == "succeeded"

    async def ended() -> bool:
        [job] = await mail_jobs(database, location)
        return job["status"] == "succeeded"

    await eventually(ended)


@pytest.mark.usefixtures("worker_process")
async def test_notify_is_true_or_false(api: httpx.AsyncClient, signer: Signer):
    body = {"type": "user_activity", "format": "csv", "notify": "yes"}
    answer = await api.post("/api/v1/reports", json=body, headers=signer.headers(new_id()))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "notify"
