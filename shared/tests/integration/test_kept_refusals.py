"""A refusal is kept for its key as any answer is, and what was written before it is not."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shared.postgres import Connection, Database
from shared.problems import Conflict, PreconditionFailed, Problem
from shared.settings import ServiceSettings
from shared.web import Answer
from shared.web.idempotency import IdempotentCall

REFUSAL = Conflict("taken", "It is taken.", headers={"X-Why": "so"})
FINGERPRINT = "1" * 64


@pytest_asyncio.fixture
async def database(sample: httpx.AsyncClient, sample_settings: ServiceSettings) -> AsyncIterator[Database]:
    """The sample's, which its running API has migrated."""
    assert sample.base_url
    database = Database(sample_settings.postgres, application_name="test")
    await database.open()
    yield database
    await database.close()


def call(key: str, fingerprint: str = FINGERPRINT) -> IdempotentCall:
    """A request under a key, whose refusals are told by their code."""

    def refused(problem: Problem) -> dict[str, Any]:
        return {"code": problem.code}

    return IdempotentCall(key, fingerprint, lambda: "7", refused)


async def notes(database: Database, text: str) -> int:
    async with database.acquire() as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM notes WHERE text = $1", text)
    return count


async def write_note(connection: Connection, text: str) -> None:
    await connection.execute("INSERT INTO notes (text) VALUES ($1)", text)


async def test_a_refusal_is_answered_again_and_what_it_wrote_is_undone(database: Database):
    key = uuid.uuid4().hex

    async with database.transaction() as connection:

        async def refuse() -> Answer:
            await write_note(connection, key)
            raise REFUSAL

        first = await call(key).run(connection, refuse)
    assert (first.status_code, first.body, first.headers["x-why"]) == (409, b'{"code":"taken"}', "so")
    assert "idempotent-replayed" not in first.headers
    assert await notes(database, key) == 0

    async with database.transaction() as connection:

        async def succeed() -> Answer:
            await write_note(connection, key)
            return Answer(201, {})

        again = await call(key).run(connection, succeed)
    assert (again.status_code, again.body, again.headers["x-why"]) == (409, first.body, "so")
    assert (again.headers["idempotent-replayed"], again.media_type) == ("true", None)
    assert again.headers["content-type"] == "application/problem+json"
    assert await notes(database, key) == 0


async def test_nobody_takes_the_key_while_a_refusal_is_rolled_back_and_kept(database: Database):
    key = uuid.uuid4().hex
    async with database.transaction() as connection, database.transaction() as other:

        async def refuse() -> Answer:
            raise REFUSAL

        await call(key).run(connection, refuse)
        with pytest.raises(Conflict, match="idempotency_in_progress"):
            await call(key).run(other, refuse)
    async with database.transaction() as later:
        assert (await call(key).run(later, refuse)).headers["idempotent-replayed"] == "true"
    # Nor does the session that kept it hold a lock of its own.
    async with database.transaction() as fresh:
        assert await fresh.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 42))", f"7 {key}")


async def test_a_precondition_that_failed_leaves_the_key_unused(database: Database):
    key = uuid.uuid4().hex

    async def outdated() -> Answer:
        raise PreconditionFailed("version_mismatch", "It was changed.")

    async def succeed() -> Answer:
        return Answer(200, {})

    with pytest.raises(PreconditionFailed):
        async with database.transaction() as connection:
            await call(key).run(connection, outdated)
    async with database.transaction() as connection:
        assert (await call(key).run(connection, succeed)).status_code == 200


async def test_an_answer_of_just_now_that_was_not_seen_has_the_last_word(database: Database):
    """The look-up for a key may be older than its lock: the other request is answered in that moment."""
    key = uuid.uuid4().hex

    async def answered_meanwhile() -> None:
        async with database.transaction() as other:
            await other.execute(
                "INSERT INTO idempotency_keys (owner, key, fingerprint, status, headers, body, expires_at)"
                " VALUES ('7', $1, $2, 201, '{}', 'the other', now() + interval '1 hour')",
                key,
                FINGERPRINT,
            )

    async def too_late() -> None:
        async with database.transaction() as connection:

            async def make() -> Answer:
                await write_note(connection, key)
                await answered_meanwhile()
                return Answer(201, {"id": 2})

            await call(key).run(connection, make)

    with pytest.raises(Conflict, match="idempotency_in_progress"):
        await too_late()
    assert await notes(database, key) == 0

    late = uuid.uuid4().hex
    key = late
    async with database.transaction() as connection:

        async def refuse() -> Answer:
            await answered_meanwhile()
            raise REFUSAL

        answer = await call(late).run(connection, refuse)
    assert (answer.status_code, answer.body, answer.headers["idempotent-replayed"]) == (201, b"the other", "true")
