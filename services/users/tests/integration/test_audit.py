"""GET /audit-events: who deleted whom stays when the person goes."""

import httpx

from .people import Account

PATH = "/api/v1/audit-events"


async def test_a_deletion_stays_on_record_without_the_person(
    client: httpx.AsyncClient, account: Account, stranger: Account, admin: Account
):
    own = {**account.headers, "X-Request-ID": "req-own"}
    assert (await client.delete(f"/api/v1/users/{account.id}", headers=own)).status_code == 204
    by_admin = {**admin.headers, "X-Request-ID": "not <sane>"}
    assert (await client.delete(f"/api/v1/users/{stranger.id}", headers=by_admin)).status_code == 204
    deleted = {"action": "user.deleted"}
    items = (await client.get(PATH, headers=admin.headers, params=deleted)).json()["items"]
    assert [(item["actor_id"], item["subject_id"], item["request_id"]) for item in items[:2]] == [
        (admin.id, stranger.id, None),
        (account.id, account.id, "req-own"),
    ]
    one = (await client.get(PATH, headers=admin.headers, params={**deleted, "subject_id": account.id})).json()
    assert (one["total"], one["items"][0]["actor_id"]) == (1, account.id)


async def test_a_deletion_that_is_refused_is_not_on_record(client: httpx.AsyncClient, account: Account, admin: Account):
    stale = {**account.headers, "If-Match": '"9"'}
    assert (await client.delete(f"/api/v1/users/{account.id}", headers=stale)).status_code == 412
    assert (
        await client.get(PATH, headers=admin.headers, params={"subject_id": account.id, "action": "user.deleted"})
    ).json()["total"] == 0


async def test_the_record_is_for_admins(client: httpx.AsyncClient, account: Account):
    assert (await client.get(PATH, headers=account.headers)).status_code == 403
    assert (await client.get(PATH)).status_code == 401
