"""A deleted user in the reports service: nothing names them, whatever comes late and whatever was under way."""

from pathlib import Path
from typing import Any

import asyncpg
import httpx

from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

from .story import OtherServices, ask, finished, made, new_id, order, user

NAME = "Leaving Soonish"


def naming_files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file() and NAME.encode() in path.read_bytes()]


async def test_others_reports_lose_the_file_that_names_a_deleted_user(
    *,
    api: httpx.AsyncClient,
    signer: Signer,
    others: OtherServices,
    database: asyncpg.Connection,
    directory: Path,
):
    user_id, order_id, late_id, admin = new_id(), new_id(), new_id(), new_id()
    boss = signer.headers(admin, role="admin")
    await others.say("users.registered.v1", user(user_id, NAME))
    await others.say("orders.placed.v1", order(order_id, user_id))

    async def heard() -> Any:
        return await database.fetchval("SELECT user_id FROM seen_orders WHERE id = $1", order_id)

    await eventually(heard)
    naming = await made(api, boss, "order_summary", "csv")
    assert NAME in naming.text
    other_time = (await ask(api, boss, "order_summary", "csv", **{"from": "2001-01-01", "to": "2001-01-31"})).headers
    assert (await finished(api, other_time["location"], boss))["status"] == "succeeded"
    own = (await ask(api, signer.headers(user_id), "order_summary", "json")).headers["location"]
    await finished(api, own, signer.headers(user_id))

    await others.say("users.deleted.v1", {"id": user_id, "version": 2})

    async def forgotten() -> bool:
        return await heard() == -1 and (await api.get(naming.url.path, headers=boss)).status_code == 410

    await eventually(forgotten)
    assert (await api.get(f"{other_time['location']}/content", headers=boss)).status_code == 200
    assert (await api.get(own, headers=signer.headers(user_id))).status_code == 404
    refused = await ask(api, signer.headers(user_id), "order_summary", "json")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")

    await others.say("orders.placed.v1", order(late_id, user_id))
    await others.say("users.registered.v1", user(user_id, NAME))
    await others.say("orders.paid.v1", order(order_id, user_id, "paid", version=2))

    async def late() -> Any:
        return await database.fetchval("SELECT user_id FROM seen_orders WHERE id = $1", late_id)

    assert await eventually(late) == -1, "an order that comes after the deletion is nobody's"
    assert await heard() == -1
    assert await database.fetchval("SELECT name FROM seen_users WHERE id = $1", user_id) is None
    assert NAME not in (await made(api, boss, "order_summary", "csv")).text
    assert not naming_files(directory)


async def test_an_order_of_nobody_keeps_to_the_schema_that_consumers_read(
    others: OtherServices, database: asyncpg.Connection
):
    order_id = new_id()
    await others.say("orders.cancelled.v1", order(order_id, -1, "cancelled", version=3))
    await others.say("orders.placed.v1", order(order_id, 77))

    async def heard() -> Any:
        return await database.fetchrow("SELECT user_id, status FROM seen_orders WHERE id = $1", order_id)

    assert tuple(await eventually(heard)) == (-1, "cancelled")


async def test_a_token_that_outlives_its_user_for_a_moment_leaves_no_schedule_and_no_webhook(
    api: httpx.AsyncClient, signer: Signer, others: OtherServices, database: asyncpg.Connection
):
    user_id = new_id()
    headers = signer.headers(user_id)
    await others.say("users.deleted.v1", {"id": user_id, "version": 2})

    async def gone() -> Any:
        return await database.fetchval("SELECT deleted FROM seen_users WHERE id = $1", user_id)

    await eventually(gone)
    schedule = {"cron": "0 7 * * *", "type": "order_summary", "format": "json"}
    for path, body in (("/report-schedules", schedule), ("/webhooks", {"url": "https://1.1.1.1/hook"})):
        answer = await api.post(f"/api/v1{path}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
