"""Answers kept for a key go when their time is over."""

import uuid

import httpx

from shared.postgres import Database
from shared.settings import ServiceSettings
from shared.testing.tokens import Signer
from shared.web import kept_answers


async def test_the_worker_trims_what_is_over_and_nothing_else(
    sample: httpx.AsyncClient, sample_settings: ServiceSettings, signer: Signer
):
    old, fresh = uuid.uuid4().hex, uuid.uuid4().hex
    for key in (old, fresh):
        await sample.post("/notes", json={"text": key}, headers={**signer.headers(1), "Idempotency-Key": key})
    database = Database(sample_settings.postgres, application_name="test")
    await database.open()
    async with database.transaction() as connection:
        await connection.execute("UPDATE idempotency_keys SET expires_at = now() - interval '1 s' WHERE key = $1", old)
        await kept_answers.trim(connection, 10_000)
        left = await connection.fetch("SELECT key FROM idempotency_keys WHERE key = ANY($1)", [old, fresh])
    await database.close()
    assert [row["key"] for row in left] == [fresh]
