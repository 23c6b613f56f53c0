"""Imports of products over HTTP, done by the worker: what becomes of rows, good and bad."""

from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from orders.settings import OrdersSettings
from shared.messaging import Event
from shared.postgres import Database
from shared.testing.waiting import eventually

Headers = dict[str, str]
Maker = Callable[..., Awaitable[dict[str, Any]]]

PATH = "/api/v1/products/imports"
CSV = {"Content-Type": "text/csv"}

_batches = count(1)


@pytest.fixture
def batch() -> str:
    """Begins the SKUs of one test."""
    return f"IMPORTED-{next(_batches)}"


@pytest.fixture
def send(client: httpx.AsyncClient, admin: Headers) -> Callable[..., Awaitable[httpx.Response]]:
    """Sends a file."""

    async def post(content: str | bytes, mode: str = "all_or_nothing", **headers: str) -> httpx.Response:
        body = content.encode() if isinstance(content, str) else content
        return await client.post(PATH, params={"mode": mode}, content=body, headers={**admin, **CSV, **headers})

    return post


@pytest.fixture
def finished(client: httpx.AsyncClient, admin: Headers, worker: httpx.AsyncClient) -> Callable[..., Awaitable[Any]]:
    """Waits for the end of an import; its view."""
    assert worker

    async def wait(accepted: httpx.Response) -> dict[str, Any]:
        assert accepted.status_code == 202, accepted.text

        async def look() -> dict[str, Any] | None:
            found = (await client.get(accepted.headers["location"], headers=admin)).json()
            return found if found["finished_at"] else None

        return await eventually(look)

    return wait


async def skus(database: Database, batch: str) -> dict[str, tuple[str, str, int, int]]:
    """Name, price, stock and version by SKU."""
    async with database.acquire() as connection:
        rows = await connection.fetch("SELECT * FROM products WHERE starts_with(sku, $1) AND deleted_at IS NULL", batch)
    return {row["sku"]: (row["name"], str(row["price"]), row["stock"], row["version"]) for row in rows}


async def test_a_file_adds_and_changes_products_and_leaves_the_others(
    *, send: Any, finished: Any, client: httpx.AsyncClient, database: Database, batch: str, make_product: Maker
):
    await make_product(sku=f"{batch}-old", name="Old", price="1.00", stock=1, description="Stays")
    await make_product(sku=f"{batch}-same", name="Same", price="2.00", stock=2)
    content = f"name,sku,stock,price\nNew,{batch}-old,7,3\n Same ,{batch}-same,2,2.00\nMug,{batch}-new,5,9.9\n"
    accepted = await send(content)
    asked = accepted.json()
    assert (asked["status"], asked["mode"], asked["rows"]) == ("queued", "all_or_nothing", None)
    assert accepted.headers["location"] == f"{PATH}/{asked['id']}"
    done = await finished(accepted)
    assert {
        name: done[name] for name in ("id", "status", "progress", "error", "rows", "bad_rows", "created", "updated")
    } == {
        "id": asked["id"],
        "status": "succeeded",
        "progress": 100,
        "error": None,
        "rows": 3,
        "bad_rows": 0,
        "created": 1,
        "updated": 1,
    }
    assert done["result"] == {"rows": 3, "bad_rows": 0, "created": 1, "updated": 1}
    assert await skus(database, batch) == {
        f"{batch}-old": ("New", "3.00", 7, 2),
        f"{batch}-same": ("Same", "2.00", 2, 1),
        f"{batch}-new": ("Mug", "9.90", 5, 1),
    }
    found = (await client.get("/api/v1/products", params={"sku": f"{batch}-old"})).json()["items"][0]
    assert found["description"] == "Stays"


BAD = """sku,name,price,stock
{0}-good,"Two
lines",1.00,1
{0}-price,Mug,1.001,1
,Mug,0.00,-1
{0}-wide,Mug,1,1,1
{0}-good,Again,1,1
{0}-latin,caf\xe9,1,1
"""
BAD_ERRORS = [
    (4, "price"),
    (5, "price"),
    (5, "sku"),
    (5, "stock"),
    (6, ""),
    (7, "sku"),
    (8, ""),
]


async def test_all_or_nothing_imports_nothing_and_tells_of_each_bad_row(
    *, send: Any, finished: Any, client: httpx.AsyncClient, admin: Headers, database: Database, batch: str
):
    done = await finished(await send(BAD.format(batch).encode("latin-1")))
    assert (done["status"], done["rows"], done["bad_rows"], done["created"]) == ("failed", 6, 5, None)
    assert done["error"] == "5 of 6 rows are bad, so that no product was imported."
    assert await skus(database, batch) == {}
    where = f"{PATH}/{done['id']}/errors"
    page = (await client.get(where, params={"page_size": 3}, headers=admin)).json()
    assert (page["total"], [(error["line"], error["field"]) for error in page["items"]]) == (7, BAD_ERRORS[:3])
    second = (await client.get(where, params={"page": 2, "page_size": 4}, headers=admin)).json()["items"]
    assert second[-2:] == [
        {"line": 7, "field": "sku", "message": "The SKU is on line 2 already."},
        {"line": 8, "field": "", "message": "The row is not UTF-8."},
    ]
    table = await client.get(where, headers={**admin, "Accept": "text/csv"})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(table.text.splitlines()) == 8


async def test_skip_bad_imports_the_good_rows(*, send: Any, finished: Any, database: Database, batch: str):
    done = await finished(await send(BAD.format(batch).encode("latin-1"), "skip_bad"))
    assert (done["status"], done["bad_rows"], done["created"]) == ("succeeded", 5, 1)
    assert await skus(database, batch) == {f"{batch}-good": ("Two\nlines", "1.00", 1, 1)}


async def test_only_the_first_thousand_errors_are_kept_and_all_are_counted(
    *, send: Any, finished: Any, client: httpx.AsyncClient, admin: Headers, batch: str
):
    content = "sku,name,price,stock\n" + "".join(f"{batch}-{n},Mug,free,1\n" for n in range(3000))
    done = await finished(await send(content, "skip_bad"))
    assert (done["status"], done["bad_rows"], done["created"]) == ("succeeded", 3000, 0)
    page = (
        await client.get(f"{PATH}/{done['id']}/errors", params={"page": 10, "page_size": 100}, headers=admin)
    ).json()
    assert (page["total"], page["items"][-1]["line"]) == (1000, 1001)


async def test_each_change_is_told_once_with_its_version(
    *, send: Any, finished: Any, database: Database, batch: str, heard: Any
):
    rows = "".join(f"{batch}-{n},Mug,1.50,3\n" for n in range(1200))
    assert (await finished(await send(f"sku,name,price,stock\n{rows}")))["created"] == 1200
    assert (await finished(await send(f"sku,name,price,stock\n{rows}")))["updated"] == 0
    await finished(await send(f"sku,name,price,stock\n{batch}-0,Mug,1.50,9\n"))

    def told() -> list[Event]:
        # A copy is the same event: the broker may have been given it again.
        once = {event.id: event for event in heard}
        return [event for event in once.values() if event.data["sku"].startswith(f"{batch}-")]

    await eventually(lambda: len(told()), 1201)
    assert len({event.data["sku"] for event in told()}) == 1200
    assert [(e.data["version"], e.data["stock"]) for e in told() if e.data["sku"] == f"{batch}-0"] == [(1, 3), (2, 9)]
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM unannounced_products") == 0


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "unreadable_file"),
        (b"name,price\n", 422, "unreadable_file"),
        ("sku,name,price,stock\n".encode("utf-16"), 422, "unreadable_file"),
    ],
)
async def test_a_file_that_is_none_is_refused_at_once_and_leaves_nothing(
    send: Any, settings: OrdersSettings, content: bytes, status: int, code: str
):
    refused = await send(content)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.json()["errors"][0]["field"] == "file"
    assert files(settings) == []


async def test_only_csv_is_taken_and_only_from_admins(
    client: httpx.AsyncClient, user: Headers, admin: Headers, send: Any
):
    for kind in ("application/json", "text/plain", "text/csv; charset=latin-1"):
        refused = await send("sku,name,price,stock\n", **{"Content-Type": kind})
        assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_media_type"), kind
    assert (await client.post(PATH, content=b"x", headers={**user, **CSV})).status_code == 403
    assert (await client.post(PATH, content=b"x", headers=CSV)).status_code == 401
    assert (await client.post(PATH, params={"mode": "some"}, content=b"x", headers={**admin, **CSV})).status_code == 422
    unknown = f"{PATH}/00000000-0000-4000-8000-000000000000"
    for path in (unknown, f"{unknown}/errors", f"{unknown}/events"):
        missing = await client.get(path, headers=admin)
        assert (missing.status_code, missing.json()["code"]) == (404, "import_not_found")
    assert (await client.delete(unknown, headers=admin)).json()["code"] == "import_not_found"


async def test_one_key_is_one_import(send: Any, finished: Any, settings: OrdersSettings, batch: str):
    content = f"sku,name,price,stock\n{batch},Mug,1,1\n"
    first = await send(content, **{"Idempotency-Key": batch})
    again = await send(content, **{"Idempotency-Key": batch})
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    assert again.content == first.content
    other = await send(content + "x,Mug,1,1\n", **{"Idempotency-Key": batch})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await finished(first))["created"] == 1
    assert files(settings) == []


async def test_progress_is_streamed_to_the_end(
    send: Any, client: httpx.AsyncClient, admin: Headers, worker: httpx.AsyncClient, batch: str
):
    assert worker
    accepted = await send(f"sku,name,price,stock\n{batch},Mug,1,1\n")
    async with client.stream("GET", f"{accepted.headers['location']}/events", headers=admin) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text = "".join([piece async for piece in stream.aiter_text()])
    assert "event: done" in text


def files(settings: OrdersSettings) -> list[Path]:
    return list(settings.imports.directory.iterdir())
