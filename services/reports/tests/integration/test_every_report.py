"""Each type in each format, by the real worker, from events that went over the broker."""

import csv
import io
import json
from typing import Any

import asyncpg
import httpx
import pypdf
import pytest
import pytest_asyncio

from shared.testing.tokens import Signer
from shared.testing.waiting import eventually

from .story import OtherServices, made, new_id, order, product, user

NAME = "Жанна Ünïcode O'Neil"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def customer(others: OtherServices, database: asyncpg.Connection) -> dict[str, Any]:
    """A user with a paid order of two positions, a pending one, and one that was paid and cancelled."""
    user_id, paid, pending, refunded = (new_id() for _ in range(4))
    await others.say("users.registered.v1", user(user_id, NAME))
    await others.say("products.changed.v1", product(1, "Green tea, renamed", sku="TEA-1", stock=7))
    await others.say("orders.placed.v1", order(paid, user_id))
    await others.say("orders.paid.v1", order(paid, user_id, "paid", version=2))
    await others.say("orders.placed.v1", order(pending, user_id, days=1))
    await others.say("orders.placed.v1", order(refunded, user_id, days=2))
    await others.say("orders.paid.v1", order(refunded, user_id, "paid", version=2, days=2))
    await others.say("orders.cancelled.v1", order(refunded, user_id, "cancelled", version=3, days=2))

    async def seen() -> bool:
        count = await database.fetchval(
            "SELECT count(*) FROM seen_orders WHERE id = $1 AND version = 3 OR id = $2 OR id = $3 AND version = 2",
            refunded,
            pending,
            paid,
        )
        return count == 3 and await database.fetchval("SELECT count(*) FROM seen_users WHERE id = $1", user_id)

    await eventually(seen)
    return {"id": user_id, "paid": paid, "pending": pending, "refunded": refunded}


def headers_of(signer: Signer, customer: dict[str, Any], report_type: str) -> dict[str, str]:
    return signer.headers(1, role="admin") if report_type == "sales" else signer.headers(customer["id"])


@pytest.mark.parametrize("report_type", ["user_activity", "order_summary", "sales"])
async def test_pdf_has_text_tables_and_a_plot(
    api: httpx.AsyncClient, signer: Signer, customer: dict[str, Any], report_type: str
):
    content = await made(api, headers_of(signer, customer, report_type), report_type, "pdf")
    assert content.headers["content-type"] == "application/pdf"
    assert content.content.startswith(b"%PDF-")
    reader = pypdf.PdfReader(io.BytesIO(content.content))
    text = "".join(page.extract_text() for page in reader.pages)
    assert "from the beginning until now" in text
    if report_type == "sales":
        assert "Green tea, renamed" in text
        assert "49.96" not in text.replace("24.98", ""), "the refunded order is no sale"
    else:
        assert NAME in text
        assert str(customer["paid"]) in text
    assert "24.98" in text or report_type == "sales"
    images = [image for page in reader.pages for image in page.images]
    assert images[0].image.size[0] > 1000, "a plot of a readable size"
    colours = images[0].image.convert("RGB").getcolors(1 << 20)
    assert colours is not None
    assert len(colours) > 10, "something is drawn on it"


async def test_csv_of_an_order_summary_has_each_position(
    api: httpx.AsyncClient, signer: Signer, customer: dict[str, Any]
):
    content = await made(api, signer.headers(customer["id"]), "order_summary", "csv")
    assert content.headers["content-type"] == "text/csv; charset=utf-8"
    assert b"\r\n" in content.content
    rows = list(csv.DictReader(io.StringIO(content.text, newline="")))
    assert len(rows) == 6
    tea = next(row for row in rows if row["order_id"] == str(customer["paid"]) and row["sku"] == "TEA-1")
    assert tea["status"] == "paid"
    assert (tea["quantity"], tea["unit_price"], tea["line_total"]) == ("2", "9.99", "19.98")
    assert tea["order_total"] == "24.98"
    assert tea["product"] == "Green tea", "what was bought, not how it is called today"
    assert tea["customer"] == NAME


async def test_json_of_an_order_summary_counts_states(api: httpx.AsyncClient, signer: Signer, customer: dict[str, Any]):
    document = (await made(api, signer.headers(customer["id"]), "order_summary", "json")).json()
    assert document["totals"] == [{"currency": "EUR", "orders": 3, "total": "74.94"}]
    counts = {row["status"]: row["orders"] for row in document["statuses"]}
    assert counts == {"paid": 1, "pending": 1, "cancelled": 1}
    assert [row["id"] for row in document["orders"]] == [
        customer["paid"],
        customer["pending"],
        customer["refunded"],
    ]
    assert document["orders"][0]["items"] == 3


async def test_json_of_an_activity_has_days_and_refunds(
    api: httpx.AsyncClient, signer: Signer, customer: dict[str, Any]
):
    document = (await made(api, signer.headers(customer["id"]), "user_activity", "json")).json()
    assert [row["day"] for row in document["days"]] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert document["totals"] == [
        {
            "currency": "EUR",
            "orders_placed": 3,
            "amount_ordered": "74.94",
            "orders_paid": 2,
            "amount_paid": "49.96",
            "orders_cancelled": 1,
            "amount_refunded": "24.98",
        }
    ]
    actions = [row["action"] for row in document["activity"]]
    assert actions == ["registered", "placed", "paid", "placed", "placed", "paid", "cancelled"]


async def test_csv_of_an_activity_is_its_steps(api: httpx.AsyncClient, signer: Signer, customer: dict[str, Any]):
    content = await made(api, signer.headers(customer["id"]), "user_activity", "csv")
    rows = list(csv.DictReader(io.StringIO(content.text, newline="")))
    assert [row["action"] for row in rows] == ["registered", "placed", "paid", "placed", "placed", "paid", "cancelled"]
    assert {row["user_id"] for row in rows} == {str(customer["id"])}


@pytest.mark.usefixtures("customer")
async def test_sales_count_what_was_paid_and_kept(api: httpx.AsyncClient, signer: Signer):
    admin = signer.headers(1, role="admin")
    period = {"from": "2026-03-01", "to": "2026-03-01"}
    document = (await made(api, admin, "sales", "json", **period)).json()
    paid_that_day = document["totals"][0]
    assert paid_that_day["revenue"] == "24.98"
    assert paid_that_day["orders"] == 1
    tea = next(row for row in document["products"] if row["sku"] == "TEA-1")
    assert (tea["product"], tea["quantity"], tea["revenue"], tea["stock"]) == ("Green tea, renamed", 2, "19.98", 7)
    rows = list(csv.DictReader(io.StringIO((await made(api, admin, "sales", "csv", **period)).text, newline="")))
    assert [(row["day"], row["sku"], row["quantity"]) for row in rows] == [
        ("2026-03-01", "TEA-1", "2"),
        ("2026-03-01", "CUP-1", "1"),
    ]


async def test_the_period_bounds_what_is_in_it(api: httpx.AsyncClient, signer: Signer, customer: dict[str, Any]):
    headers = signer.headers(customer["id"])
    document = (await made(api, headers, "order_summary", "json", **{"from": "2026-03-02", "to": "2026-03-02"})).json()
    assert [row["id"] for row in document["orders"]] == [customer["pending"]]
    nothing = (await made(api, headers, "order_summary", "json", to="2026-02-01T00:00:00Z")).json()
    assert nothing["orders"] == nothing["items"] == nothing["totals"] == []


@pytest.mark.usefixtures("worker_process")
async def test_an_empty_report_is_a_report_in_every_format(api: httpx.AsyncClient, signer: Signer):
    headers = signer.headers(new_id())
    for report_format in ("pdf", "csv", "json"):
        content = await made(api, headers, "user_activity", report_format)
        assert content.content
    assert json.loads(content.content)["activity"] == []


async def test_the_same_rows_make_the_same_bytes(
    api: httpx.AsyncClient, signer: Signer, customer: dict[str, Any], database: asyncpg.Connection
):
    headers = signer.headers(customer["id"])
    one, two = [await made(api, headers, "order_summary", "pdf") for _ in range(2)]
    rows = await database.fetch("SELECT created_at FROM reports ORDER BY id DESC LIMIT 2")
    assert rows[0]["created_at"] != rows[1]["created_at"]
    strip = str.maketrans("", "", "0123456789")
    texts = ["".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(c.content)).pages) for c in (one, two)]
    assert texts[0].translate(strip) == texts[1].translate(strip)
