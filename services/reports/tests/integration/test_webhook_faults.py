"""A delivery is made at least once, whoever dies between sending and noting; and never noted by who lost it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest_asyncio
from standardwebhooks import Webhook

from reports.settings import ReportsSettings
from reports.store import webhook_claims
from shared.postgres import Database
from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

from .outside import Outside
from .story import new_id
from .test_webhook_deliveries import arrived, delivered, hasten, make
from .webhook_program import deliverer

PROGRAM = Path(__file__).with_name("webhook_program.py")


@pytest_asyncio.fixture
async def pool(quiet_settings: ReportsSettings, quiet_api: httpx.AsyncClient) -> AsyncIterator[Database]:
    assert quiet_api, "it has applied the migrations"
    database = Database(quiet_settings.postgres, application_name="test")
    await database.open()
    yield database
    await database.close()


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def pinged(api: httpx.AsyncClient, headers: dict[str, str], url: str) -> dict[str, Any]:
    webhook = await make(api, headers, url)
    answer = await api.post(f"/api/v1/webhooks/{webhook['id']}/test", headers=headers)
    assert answer.status_code == 202, answer.text
    return webhook


async def test_a_worker_killed_between_sending_and_noting_loses_nothing(
    *,
    quiet_api: httpx.AsyncClient,
    quiet_settings: ReportsSettings,
    quiet_database: asyncpg.Connection,
    pool: Database,
    environment: dict[str, str],
    signer: Signer,
    outside: Outside,
):
    headers = signer.headers(new_id())
    outside.receiver.answers["/killed"] = [hang, 200]
    webhook = await pinged(quiet_api, headers, outside.url("/killed"))
    own = {
        **os.environ,
        **environment,
        "DATABASE_URL": quiet_settings.postgres.url.get_secret_value(),
        "DATABASE_OWNER_URL": "",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, str(PROGRAM), env=own)
    try:
        await arrived(outside, "/killed")
    finally:
        process.kill()
        await process.wait()
    # Its lease lasts as long as this test may.
    await quiet_database.execute(
        "UPDATE webhook_deliveries SET due_at = due_at + interval '1 hour', claimed_until = now() + interval '1 hour'"
        " WHERE webhook_id = $1",
        webhook["id"],
    )
    async with deliverer(quiet_settings, pool).running(1):
        # Another one delivers what else there is, and lets be what is still leased.
        other = await pinged(quiet_api, headers, outside.url("/beside"))
        await delivered(quiet_api, headers, other)
        assert len(outside.receiver.at("/killed")) == 1
        await hasten(quiet_database, webhook)  # the lease is over
        first, second = await arrived(outside, "/killed", 2)
        delivery = await delivered(quiet_api, headers, webhook, attempts=2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery["message_id"]
    assert first.body == second.body
    Webhook(webhook["secret"]).verify(second.body, dict(second.headers))
    assert delivery["status"] == "succeeded"
    assert [(each["number"], each["status_code"]) for each in delivery["latest_attempts"]] == [(2, 200), (1, None)]


async def test_what_is_cut_off_at_the_stop_is_given_back(
    *,
    quiet_api: httpx.AsyncClient,
    quiet_settings: ReportsSettings,
    quiet_database: asyncpg.Connection,
    pool: Database,
    signer: Signer,
    outside: Outside,
):
    headers = signer.headers(new_id())
    outside.receiver.answers["/cut"] = [hang, 200]
    webhook = await pinged(quiet_api, headers, outside.url("/cut"))
    async with deliverer(quiet_settings, pool).running(0.1):
        await arrived(outside, "/cut")
    row = await quiet_database.fetchrow(
        "SELECT status, claimed_until, due_at <= now() AS due FROM webhook_deliveries WHERE webhook_id = $1",
        webhook["id"],
    )
    assert row is not None
    assert tuple(row) == ("pending", None, True)
    async with deliverer(quiet_settings, pool).running(5):
        assert (await delivered(quiet_api, headers, webhook, attempts=2))["status"] == "succeeded"


async def test_who_lost_the_lease_notes_nothing_of_the_delivery(
    quiet_api: httpx.AsyncClient,
    quiet_database: asyncpg.Connection,
    pool: Database,
    signer: Signer,
    outside: Outside,
):
    headers = signer.headers(new_id())
    webhook = await pinged(quiet_api, headers, outside.url("/lost"))
    turns = {webhook["id"]: 1}
    async with pool.transaction() as connection:
        [slow] = await webhook_claims.claim(connection, turns)
        assert await webhook_claims.claim(connection, turns) == []
    await hasten(quiet_database, webhook)
    async with pool.transaction() as connection:
        [quick] = await webhook_claims.claim(connection, turns)
        assert (slow.attempt, quick.attempt) == (1, 2)
        late = await webhook_claims.note(
            connection, slow, milliseconds=60_000, status_code=None, error="timed_out", retry_in=timedelta(hours=5)
        )
        noted = await webhook_claims.note(connection, quick, milliseconds=5, status_code=200, error=None, retry_in=None)
    assert (late, noted) == (False, True)
    assert (await delivered(quiet_api, headers, webhook, attempts=2))["status"] == "succeeded"


async def test_two_that_deliver_share_and_send_nothing_twice(
    quiet_api: httpx.AsyncClient, quiet_settings: ReportsSettings, pool: Database, signer: Signer, outside: Outside
):
    people = [signer.headers(new_id()) for _ in range(4)]
    for number, headers in enumerate(people):
        webhook = await make(quiet_api, headers, outside.url(f"/shared{number}"))
        for _ in range(5):
            await quiet_api.post(f"/api/v1/webhooks/{webhook['id']}/test", headers=headers)

    def sent() -> list[str]:
        found = [each for number in range(4) for each in outside.receiver.at(f"/shared{number}")]
        return [each.headers["webhook-id"] for each in found]

    async def all_sent() -> bool:
        return len(set(sent())) == 20

    async with deliverer(quiet_settings, pool).running(5), deliverer(quiet_settings, pool).running(5):
        await eventually(all_sent)
    assert len(sent()) == 20
