"""Webhooks over HTTP: made, seen, changed, deleted; by their owner alone, and their secrets shown once."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from reports.domain.webhook import DEFAULT_EVENTS
from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

from .outside import Outside
from .story import OtherServices, new_id
from .test_contract import assert_problem
from .test_webhook_deliveries import arrived, make

PLACED = "orders.placed.v1"


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_webhook_is_made_seen_and_deleted(
    api: httpx.AsyncClient, signer: Signer, outside: Outside, database: asyncpg.Connection, version: str
):
    headers = signer.headers(new_id())
    body = {"url": outside.url("/made"), "events": [PLACED, PLACED], "description": " mine ", "status": "disabled"}
    answer = await api.post(f"/api/{version}/webhooks", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    location = answer.headers["location"]
    assert location == f"/api/{version}/webhooks/{made['id']}"
    assert answer.headers["cache-control"] == "no-store"
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert {name: made[name] for name in ("events", "all", "description", "status", "disabled_reason")} == {
        "events": [PLACED],
        "all": False,
        "description": "mine",
        "status": "enabled",
        "disabled_reason": None,
    }
    assert (await api.get(location, headers=headers)).json() == made
    page = (await api.get(f"/api/{version}/webhooks", headers=headers)).json()
    assert page == {"items": [made], "total": 1, "page": 1, "page_size": 20}
    kept = await database.fetchrow("SELECT * FROM webhooks WHERE id = $1", made["id"])
    assert kept is not None
    assert secret.removeprefix("whsec_") not in str(dict(kept))
    assert (await api.delete(location, headers=headers)).status_code == 204
    assert_problem(await api.get(location, headers=headers), 404, "webhook_not_found")
    assert_problem(await api.delete(location, headers=headers), 404, "webhook_not_found")


async def test_another_ones_webhook_does_not_exist(api: httpx.AsyncClient, signer: Signer, outside: Outside):
    owner = signer.headers(new_id())
    path = f"/api/v1/webhooks/{(await make(api, owner, outside.url('/x')))['id']}"
    delivery = (await api.post(f"{path}/test", headers=owner)).json()["id"]
    for stranger in (signer.headers(new_id()), signer.headers(1, role="admin")):
        for refused in (
            await api.get(path, headers=stranger),
            await api.patch(path, json={"description": "x"}, headers=stranger),
            await api.delete(path, headers=stranger),
            await api.post(f"{path}/rotate-secret", headers=stranger),
            await api.post(f"{path}/test", headers=stranger),
            await api.get(f"{path}/deliveries", headers=stranger),
            await api.get(f"{path}/deliveries/{delivery}", headers=stranger),
            await api.post(f"{path}/deliveries/{delivery}/redeliver", headers=stranger),
        ):
            assert_problem(refused, 404, "webhook_not_found")
    other = f"/api/v1/webhooks/{(await make(api, owner, outside.url('/y')))['id']}"
    assert_problem(await api.get(f"{other}/deliveries/{delivery}", headers=owner), 404, "delivery_not_found")
    again = await api.post(f"{other}/deliveries/{delivery}/redeliver", headers=owner)
    assert_problem(again, 404, "delivery_not_found")


async def test_who_may_and_who_may_not(api: httpx.AsyncClient, signer: Signer, outside: Outside):
    body = {"url": outside.url("/x")}
    assert_problem(await api.post("/api/v1/webhooks", json=body), 401, "unauthorized")
    reader = signer.headers(new_id(), scope="reports:read")
    assert_problem(await api.post("/api/v1/webhooks", json=body, headers=reader), 403, "insufficient_scope")
    service = signer.headers(0, role="service", sub="billing")
    assert_problem(await api.post("/api/v1/webhooks", json=body, headers=service), 403, "forbidden")
    everyone = {**body, "all": True}
    user = signer.headers(new_id())
    assert_problem(await api.post("/api/v1/webhooks", json=everyone, headers=user), 403, "forbidden")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": 7}, "url"),
        ({"url": "https://receiver.hooks.test/", "events": []}, "events"),
        ({"url": "https://receiver.hooks.test/", "events": ["orders.*"]}, "events"),
        ({"url": "https://receiver.hooks.test/", "events": ["users.deleted.v1"]}, "events"),
        ({"url": "https://receiver.hooks.test/", "description": "x" * 201}, "description"),
        ({"url": "https://receiver.hooks.test/", "all": "yes"}, "all"),
    ],
)
async def test_what_breaks_a_rule_is_named(api: httpx.AsyncClient, signer: Signer, body: Any, field: str):
    answer = await api.post("/api/v1/webhooks", json=body, headers=signer.headers(new_id()))
    problem = assert_problem(answer, 422, "validation_error")
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://receiver.test/", "webhook_url_refused"),
        ("https://user@receiver.hooks.test/", "webhook_url_refused"),
        ("https://127.0.0.1/", "webhook_address_refused"),
        ("https://2130706433/", "webhook_address_refused"),
        ("https://[::ffff:127.0.0.2]/", "webhook_address_refused"),
        ("https://169.254.169.254/", "webhook_address_refused"),
        ("https://localhost/", "webhook_address_refused"),
        ("https://198.41.0.4:22/", "webhook_url_refused"),
    ],
)
async def test_a_url_that_leads_elsewhere_is_refused_when_made_and_when_changed(
    api: httpx.AsyncClient, signer: Signer, outside: Outside, url: str, code: str
):
    headers = signer.headers(new_id())
    assert_problem(await api.post("/api/v1/webhooks", json={"url": url}, headers=headers), 400, code)
    path = f"/api/v1/webhooks/{(await make(api, headers, outside.url('/x')))['id']}"
    assert_problem(await api.patch(path, json={"url": url}, headers=headers), 400, code)
    assert (await api.get(path, headers=headers)).json()["url"] == outside.url("/x")


async def test_a_name_that_is_not_there_yet_is_taken(api: httpx.AsyncClient, signer: Signer):
    webhook = await make(api, signer.headers(new_id()), "https://not-yet.hooks.test/hook")
    assert webhook["events"] == list(DEFAULT_EVENTS)


async def test_a_change_changes_what_it_names(api: httpx.AsyncClient, signer: Signer, outside: Outside):
    headers = signer.headers(new_id())
    made = await make(api, headers, outside.url("/before"), events=[PLACED])
    path = f"/api/v1/webhooks/{made['id']}"
    changed = (await api.patch(path, json={"url": outside.url("/after"), "status": "disabled"}, headers=headers)).json()
    assert (changed["url"], changed["status"], changed["disabled_reason"]) == (
        outside.url("/after"),
        "disabled",
        "by_owner",
    )
    assert (changed["events"], "secret" in changed) == ([PLACED], False)
    wrong = await api.patch(path, json={"events": ["users.registered.v1"]}, headers=headers)
    assert [error["field"] for error in assert_problem(wrong, 422, "validation_error")["errors"]] == ["events"]


async def test_one_has_as_many_as_one_may_and_no_more(api: httpx.AsyncClient, signer: Signer, outside: Outside):
    headers = signer.headers(new_id())
    answers = await asyncio.gather(
        *(api.post("/api/v1/webhooks", json={"url": outside.url("/x")}, headers=headers) for _ in range(14))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [409] * 4
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert_problem(refused, 409, "too_many_webhooks")


async def test_with_a_user_go_the_webhooks_and_what_would_tell_others_who_it_was(
    api: httpx.AsyncClient,
    signer: Signer,
    others: OtherServices,
    outside: Outside,
    database: asyncpg.Connection,
):
    leaver, boss = new_id(), new_id()
    headers, admin = signer.headers(leaver), signer.headers(boss, role="admin")
    await make(api, headers, outside.url("/leaver"))
    outside.receiver.answers["/boss"] = [500]
    account = {"id": leaver, "name": "Ada", "email": "ada@example.com", "role": "user"}
    watching = await make(
        api, admin, outside.url("/boss"), all=True, events=["users.registered.v1", "users.deleted.v1"]
    )
    await others.say("users.registered.v1", {**account, "created_at": "2026-01-01T00:00:00Z", "version": 1})
    await arrived(outside, "/boss")
    [schema] = await database.fetch("SELECT count(*) FROM webhooks WHERE user_id = $1", leaver)
    assert schema["count"] == 1
    await others.say("users.deleted.v1", {"id": leaver, "deleted_at": "2026-02-01T00:00:00Z", "version": 2})

    async def gone() -> bool:
        return not await database.fetchval("SELECT count(*) FROM webhooks WHERE user_id = $1", leaver)

    await eventually(gone)

    async def told() -> bool:
        rows = await database.fetch(
            "SELECT type FROM webhook_deliveries JOIN webhook_messages ON webhook_messages.id = message_id"
            " WHERE webhook_id = $1",
            watching["id"],
        )
        return [row["type"] for row in rows] == ["users.deleted.v1"]

    await eventually(told)


async def test_a_user_who_is_disabled_hears_nothing_until_enabled(
    api: httpx.AsyncClient,
    signer: Signer,
    others: OtherServices,
    outside: Outside,
    database: asyncpg.Connection,
):
    boss, other, first, second, third = (new_id() for _ in range(5))
    account = {"name": "Ada", "email": "ada@example.com", "created_at": "2026-01-01T00:00:00Z"}

    async def say(user_id: int, version: int, **more: object) -> None:
        kind = "users.registered.v1" if version == 1 else "users.updated.v1"
        await others.say(kind, {**account, "id": user_id, "role": "admin", "version": version, **more})

    async def known(*, disabled: bool) -> None:
        async def seen() -> bool:
            return await database.fetchval("SELECT disabled FROM seen_users WHERE id = $1", boss) is disabled

        await eventually(seen)

    async def told(path: str, user_id: int, times: int = 1) -> None:
        # Late events of other tests come as well.
        async def found() -> bool:
            return len(heard(path, user_id)) >= times

        await eventually(found)

    def heard(path: str, user_id: int) -> list[bytes]:
        return [each.body for each in outside.receiver.at(path) if f'"id":{user_id},'.encode() in each.body]

    for user_id, path in ((boss, "/disabled"), (other, "/control")):
        headers = signer.headers(user_id, role="admin")
        await make(api, headers, outside.url(path), all=True, events=["users.registered.v1"])
    outside.receiver.answers["/disabled"] = [500]
    await say(first, 1)
    await told("/disabled", first)  # and is to be sent again
    await say(boss, 2, active=False)
    await known(disabled=True)
    await say(second, 1)
    await told("/control", second)
    waiting = "SELECT min(due_at) FROM webhook_deliveries JOIN webhooks ON webhooks.id = webhook_id WHERE user_id = $1"
    await database.execute(
        "UPDATE webhook_deliveries SET due_at = now() FROM webhooks"
        " WHERE webhooks.id = webhook_id AND user_id = $1 AND webhook_deliveries.status = 'pending'",
        boss,
    )
    await say(third, 1)
    await told("/control", third)
    assert await database.fetchval(waiting, boss) is not None
    assert [len(heard("/disabled", user_id)) for user_id in (first, second, third)] == [1, 0, 0]
    await say(boss, 3)
    await known(disabled=False)
    # What waited is sent now; what happened meanwhile was never theirs to hear.
    await told("/disabled", first, 2)
    assert not [each for user_id in (second, third) for each in heard("/disabled", user_id)]
    kept = await database.fetch(
        "SELECT about_user FROM webhook_messages JOIN webhook_deliveries ON message_id = webhook_messages.id"
        " JOIN webhooks ON webhooks.id = webhook_id WHERE user_id = $1",
        boss,
    )
    assert {second, third}.isdisjoint(row["about_user"] for row in kept)
