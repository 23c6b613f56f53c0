"""What the service says, held to the schemas in events/ (CONTRACT.md, Events)."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest_asyncio
from jsonschema import Draft202012Validator

from shared.testing.waiting import PATIENCE_SECONDS

from .people import Account, Accounts

SCHEMAS = Path(__file__).parents[2] / "events"


class Heard:
    """The events of the exchange, as a consumer of its own gets them."""

    def __init__(self, queue: aio_pika.abc.AbstractQueue) -> None:
        self._queue = queue
        self._known: set[str] = set()

    async def about(self, user_id: int, count: int) -> list[dict[str, Any]]:
        """The next events about this account, each checked against the envelope and its schema."""
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(found) < count:
                message = await self._queue.get(fail=False, no_ack=True)
                if message is None:
                    await asyncio.sleep(0.05)
                    continue
                event = json.loads(message.body)
                if event["subject"] == f"users/{user_id}":
                    self._check(message, event)
                    if event["id"] not in self._known:  # delivered at least once
                        found.append(event)
                    self._known.add(event["id"])
        return found

    @staticmethod
    def _check(message: aio_pika.abc.AbstractIncomingMessage, event: dict[str, Any]) -> None:
        assert message.content_type == "application/cloudevents+json"
        assert message.routing_key == event["type"]
        assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
        assert event["specversion"] == "1.0"
        assert event["source"] == "/services/users"
        assert event["traceparent"].startswith("00-")
        schema = json.loads((SCHEMAS / f"{event['type']}.json").read_text())
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(event["data"])


@pytest_asyncio.fixture
async def heard(amqp_url: str, worker: httpx.AsyncClient) -> AsyncIterator[Heard]:
    assert worker.base_url
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(await channel.get_exchange("events"), routing_key="users.#")
        yield Heard(queue)


async def test_an_account_is_told_from_its_first_to_its_last(
    client: httpx.AsyncClient, accounts: Accounts, heard: Heard
):
    account = await accounts.make()
    path = f"/api/v1/users/{account.id}"
    shown = (await client.patch(path, headers=account.headers, json={"name": "Ada Byron"})).json()
    await client.delete(path, headers=account.headers)
    registered, updated, deleted = await heard.about(account.id, 3)
    assert [event["type"] for event in (registered, updated, deleted)] == [
        "users.registered.v1",
        "users.updated.v1",
        "users.deleted.v1",
    ]
    assert registered["data"]["email"] == account.email
    assert updated["data"]["name"] == "Ada Byron"
    told = ("id", "name", "email", "role")
    assert [updated["data"][name] for name in told] == [shown[name] for name in told]
    assert [event["data"]["version"] for event in (registered, updated, deleted)] == [1, 2, 3]
    assert deleted["data"] == {"id": account.id, "version": 3}


async def test_what_changes_nothing_is_not_told(client: httpx.AsyncClient, account: Account, heard: Heard):
    path = f"/api/v1/users/{account.id}"
    for body in ({}, {"name": "Ada Lovelace"}, {"name": "Ada Byron"}):
        assert (await client.patch(path, headers=account.headers, json=body)).status_code == 200
    events = await heard.about(account.id, 1)
    while events[-1]["type"] == "users.registered.v1":
        events = await heard.about(account.id, 1)
    assert events[0]["data"]["version"] == 2


async def test_a_refused_change_is_not_told(client: httpx.AsyncClient, account: Account, accounts: Accounts):
    waiting = "SELECT count(*) FROM outbox WHERE subject = $1"
    before = await accounts.value(waiting, f"users/{account.id}")
    headers = {**account.headers, "If-Match": '"9"'}
    await client.patch(f"/api/v1/users/{account.id}", headers=headers, json={"name": "Eve"})
    assert await accounts.value(waiting, f"users/{account.id}") <= before
    assert await accounts.value("SELECT version FROM users WHERE id = $1", account.id) == 1


async def test_a_tier_or_a_password_is_never_told(accounts: Accounts, heard: Heard):
    account = await accounts.make()
    [event] = await heard.about(account.id, 1)
    assert set(event["data"]) == {"id", "name", "email", "role", "active", "created_at", "version"}
