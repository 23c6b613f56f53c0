"""From an event to a signed POST at a receiver, and what follows when it does not work."""

import asyncio
import json
from typing import Any

import asyncpg
import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

from .outside import NAME, Outside, Received
from .story import OtherServices, new_id, order, user


async def make(api: httpx.AsyncClient, headers: dict[str, str], url: str, **more: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/webhooks", json={"url": url, **more}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def arrived(outside: Outside, path: str, count: int = 1) -> list[Received]:
    async def look() -> list[Received] | None:
        found = outside.receiver.at(path)
        return found if len(found) >= count else None

    return await eventually(look)


async def deliveries(api: httpx.AsyncClient, headers: dict[str, str], webhook: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await api.get(f"/api/v1/webhooks/{webhook['id']}/deliveries", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def delivered(api: httpx.AsyncClient, headers: dict[str, str], webhook: dict[str, Any], attempts: int = 1) -> Any:
    async def look() -> Any:
        found = await deliveries(api, headers, webhook)
        # In hand it is pending without a next attempt.
        ended = found and (found[0]["status"] != "pending" or found[0]["next_attempt_at"])
        return found[0] if ended and found[0]["attempts"] >= attempts else None

    return await eventually(look)


async def hasten(database: asyncpg.Connection, webhook: dict[str, Any]) -> None:
    """What would be retried after minutes is due now."""
    await database.execute("UPDATE webhook_deliveries SET due_at = now() WHERE webhook_id = $1", webhook["id"])


async def test_an_order_is_told_signed_and_its_delivery_listed(
    api: httpx.AsyncClient, signer: Signer, others: OtherServices, outside: Outside
):
    owner = new_id()
    headers = signer.headers(owner)
    webhook = await make(api, headers, outside.url("/placed"), events=["orders.placed.v1", "orders.paid.v1"])
    placed = order(new_id(), owner)
    await others.say("orders.placed.v1", order(new_id(), new_id()))
    await others.say("orders.placed.v1", placed)
    await others.say("orders.shipped.v1", order(new_id(), owner, "shipped", version=3))
    [request] = await arrived(outside, "/placed")
    verified = Webhook(webhook["secret"]).verify(request.body, dict(request.headers))
    assert verified["type"] == "orders.placed.v1"
    assert verified["data"] == json.loads(json.dumps(placed))
    assert verified["timestamp"].endswith("Z")
    assert request.headers["content-type"] == "application/json"
    assert (request.headers["host"], request.server_name) == (f"{NAME}:{outside.receiver.port}", NAME)
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook["secret"]).verify(request.body + b" ", dict(request.headers))
    delivery = await delivered(api, headers, webhook)
    assert (delivery["status"], delivery["attempts"], delivery["next_attempt_at"]) == ("succeeded", 1, None)
    assert (delivery["message_id"], delivery["type"]) == (request.headers["webhook-id"], "orders.placed.v1")
    [attempt] = delivery["latest_attempts"]
    assert (attempt["number"], attempt["status_code"], attempt["error"]) == (1, 204, None)


async def test_what_fails_is_retried_under_the_same_id(
    api: httpx.AsyncClient,
    signer: Signer,
    outside: Outside,
    worker_process: httpx.AsyncClient,
    database: asyncpg.Connection,
):
    assert worker_process
    headers = signer.headers(new_id())
    outside.receiver.answers["/flaky"] = [500, b"HTTP/1.1 503 Busy\r\nRetry-After: 36000\r\n\r\n", 200]
    webhook = await make(api, headers, outside.url("/flaky"))
    ping = await api.post(f"/api/v1/webhooks/{webhook['id']}/test", headers=headers)
    assert ping.status_code == 202
    assert ping.json()["type"] == "webhooks.ping.v1"
    first = await delivered(api, headers, webhook)
    assert (first["status"], first["latest_attempts"][0]["error"]) == ("pending", "answered_5xx")
    assert (await api.get(f"/api/v1/webhooks/{webhook['id']}", headers=headers)).json()["failing_since"]
    await hasten(database, webhook)
    second = await delivered(api, headers, webhook, attempts=2)
    wait = await database.fetchval(
        "SELECT due_at - now() > interval '8 hours' FROM webhook_deliveries WHERE webhook_id = $1", webhook["id"]
    )
    assert wait, "Retry-After counts"
    assert second["latest_attempts"][0]["status_code"] == 503
    await hasten(database, webhook)
    third = await delivered(api, headers, webhook, attempts=3)
    assert (third["status"], [each["number"] for each in third["latest_attempts"]]) == ("succeeded", [3, 2, 1])
    ids = {each.headers["webhook-id"] for each in outside.receiver.at("/flaky")}
    assert ids == {third["message_id"]}
    assert (await api.get(f"/api/v1/webhooks/{webhook['id']}", headers=headers)).json()["failing_since"] is None


async def test_an_answer_410_disables_and_enabling_allows_a_redelivery(
    api: httpx.AsyncClient, signer: Signer, outside: Outside, worker_process: httpx.AsyncClient
):
    assert worker_process
    headers = signer.headers(new_id())
    outside.receiver.answers["/gone"] = [410, 200]
    webhook = await make(api, headers, outside.url("/gone"))
    path = f"/api/v1/webhooks/{webhook['id']}"
    await api.post(f"{path}/test", headers=headers)
    delivery = await delivered(api, headers, webhook)
    assert delivery["status"] == "failed"
    shown = (await api.get(path, headers=headers)).json()
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "gone")
    for refused in (f"{path}/test", f"{path}/deliveries/{delivery['id']}/redeliver"):
        answer = await api.post(refused, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "webhook_disabled")
    enabled = await api.patch(path, json={"status": "enabled"}, headers=headers)
    assert (enabled.status_code, enabled.json()["disabled_reason"]) == (200, None)
    again = await api.post(f"{path}/deliveries/{delivery['id']}/redeliver", headers=headers)
    assert (again.status_code, again.json()["status"]) == (202, "pending")
    assert (await delivered(api, headers, webhook, attempts=2))["status"] == "succeeded"


async def test_days_of_failures_disable(
    api: httpx.AsyncClient,
    signer: Signer,
    outside: Outside,
    worker_process: httpx.AsyncClient,
    database: asyncpg.Connection,
):
    assert worker_process
    headers = signer.headers(new_id())
    outside.receiver.answers["/dead"] = [500]
    webhook = await make(api, headers, outside.url("/dead"))
    path = f"/api/v1/webhooks/{webhook['id']}"
    await database.execute("UPDATE webhooks SET failing_since = now() - interval '6 days' WHERE id = $1", webhook["id"])
    await api.post(f"{path}/test", headers=headers)
    await delivered(api, headers, webhook)
    shown = (await api.get(path, headers=headers)).json()
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "failing")


async def test_while_a_secret_is_replaced_both_sign(
    api: httpx.AsyncClient,
    signer: Signer,
    outside: Outside,
    worker_process: httpx.AsyncClient,
    database: asyncpg.Connection,
):
    assert worker_process
    headers = signer.headers(new_id())
    old = await make(api, headers, outside.url("/rotated"))
    path = f"/api/v1/webhooks/{old['id']}"
    new = (await api.post(f"{path}/rotate-secret", headers=headers)).json()
    assert new["secret"] != old["secret"]
    assert new["previous_secret_until"]
    await api.post(f"{path}/test", headers=headers)
    [request] = await arrived(outside, "/rotated")
    for secret in (old["secret"], new["secret"]):
        Webhook(secret).verify(request.body, dict(request.headers))
    await database.execute("UPDATE webhooks SET previous_until = now() WHERE id = $1", old["id"])
    await api.post(f"{path}/test", headers=headers)
    later = (await arrived(outside, "/rotated", 2))[1]
    Webhook(new["secret"]).verify(later.body, dict(later.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(old["secret"]).verify(later.body, dict(later.headers))


async def test_an_admin_hears_of_all_until_he_is_none(
    api: httpx.AsyncClient, signer: Signer, others: OtherServices, outside: Outside, database: asyncpg.Connection
):
    boss = new_id()
    headers = signer.headers(boss, role="admin")
    await make(api, headers, outside.url("/all"), all=True, events=["orders.placed.v1", "users.registered.v1"])
    newcomer = new_id()
    await others.say("users.registered.v1", user(newcomer))
    await others.say("orders.placed.v1", order(new_id(), newcomer))
    told = await arrived(outside, "/all", 2)
    assert {json.loads(each.body)["type"] for each in told} == {"orders.placed.v1", "users.registered.v1"}
    await others.say("users.updated.v1", {**user(boss, version=2), "role": "user"})

    async def demoted() -> bool:
        return await database.fetchval("SELECT role FROM seen_users WHERE id = $1", boss) == "user"

    await eventually(demoted)
    last = order(new_id(), newcomer)
    witness = signer.headers(newcomer)
    await make(api, witness, outside.url("/witness"), events=["orders.placed.v1"])
    await others.say("orders.placed.v1", last)
    await arrived(outside, "/witness")
    assert (
        await database.fetchval(
            "SELECT count(*) FROM webhook_deliveries JOIN webhooks ON webhooks.id = webhook_id WHERE user_id = $1", boss
        )
        == 2
    )


async def test_a_dead_receiver_holds_up_nobody_else(
    api: httpx.AsyncClient, signer: Signer, outside: Outside, worker_process: httpx.AsyncClient
):
    assert worker_process
    ends = asyncio.Event()

    async def hang(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await ends.wait()

    dead, alive = signer.headers(new_id()), signer.headers(new_id())
    outside.receiver.answers["/hangs"] = [hang]
    hanging = await make(api, dead, outside.url("/hangs"))
    answering = await make(api, alive, outside.url("/answers"))
    for _ in range(30):
        await api.post(f"/api/v1/webhooks/{hanging['id']}/test", headers=dead)
    await arrived(outside, "/hangs", 3)
    await api.post(f"/api/v1/webhooks/{answering['id']}/test", headers=alive)
    await arrived(outside, "/answers")
    assert outside.receiver.most_in_hand["/hangs"] == 3
    await api.delete(f"/api/v1/webhooks/{hanging['id']}", headers=dead)
    ends.set()
