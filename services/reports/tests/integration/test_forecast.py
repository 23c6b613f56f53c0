"""The forecast in the sales report, in each format, from a history that the read model holds."""

import csv
import io
from datetime import date, timedelta

import asyncpg
import httpx
import pypdf
import pytest
import pytest_asyncio

from shared.testing.tokens import Signer

from .story import made, new_id

FIRST, DAYS, HORIZON = date(2021, 1, 1), 200, 28
UNTIL = FIRST + timedelta(days=DAYS - 1)
# 100 a day and 300 on Saturdays, in a currency that no other test sells in.
_HISTORY = """
    INSERT INTO seen_orders (id, user_id, status, total, currency, placed_at, paid_at, version)
    SELECT $1 * 100000 + n, $1, 'paid', 0, 'NOK', day, day, 2
    FROM generate_series(0, $2 - 1) AS n, LATERAL (SELECT ($3::date + n)::timestamp AT TIME ZONE 'UTC' AS day) AS d
"""
_ITEMS = """
    INSERT INTO seen_order_items
    SELECT id, 0, 1, 'TEA-1', 'Green tea', 1,
        CASE WHEN extract(isodow FROM paid_at AT TIME ZONE 'UTC') = 6 THEN 300 ELSE 100 END
    FROM seen_orders WHERE user_id = $1
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def history(database: asyncpg.Connection) -> None:
    user_id = new_id()
    await database.execute(_HISTORY, user_id, DAYS, FIRST)
    await database.execute(_ITEMS, user_id)


@pytest.mark.usefixtures("history", "worker_process")
async def test_the_sales_report_tells_what_is_expected_next(api: httpx.AsyncClient, signer: Signer):
    admin = signer.headers(1, role="admin")
    document = (await made(api, admin, "sales", "json", to=UNTIL.isoformat())).json()
    [quality] = document["forecast_quality"]
    assert (quality["currency"], quality["history_days"]) == ("NOK", DAYS)
    expected = document["forecast"]
    assert [row["day"] for row in expected] == [(UNTIL + timedelta(days=n + 1)).isoformat() for n in range(HORIZON)]
    for row in expected:
        truth = 300 if date.fromisoformat(row["day"]).isoweekday() == 6 else 100
        assert abs(float(row["revenue"]) - truth) < 10
        assert float(row["low"]) <= float(row["revenue"]) <= float(row["high"])
    # A period that starts later is told of from the days before it too.
    later = (await made(api, admin, "sales", "json", to=UNTIL.isoformat(), **{"from": UNTIL.isoformat()})).json()
    assert later["forecast"] == expected


@pytest.mark.usefixtures("history", "worker_process")
async def test_the_csv_tells_days_to_come_from_days_that_were(api: httpx.AsyncClient, signer: Signer):
    content = await made(api, signer.headers(1, role="admin"), "sales", "csv", to=UNTIL.isoformat())
    rows = list(csv.DictReader(io.StringIO(content.text, newline="")))
    kinds = [row["kind"] for row in rows]
    assert kinds == ["actual"] * DAYS + ["forecast"] * HORIZON
    assert {row["currency"] for row in rows} == {"NOK"}
    assert rows[-1]["sku"] == rows[-1]["quantity"] == ""
    assert float(rows[-1]["revenue"]) > 0


@pytest.mark.usefixtures("history", "worker_process")
async def test_the_pdf_shows_it_as_a_plot_of_its_own(api: httpx.AsyncClient, signer: Signer):
    content = await made(api, signer.headers(1, role="admin"), "sales", "pdf", to=UNTIL.isoformat())
    reader = pypdf.PdfReader(io.BytesIO(content.content))
    assert sum(len(page.images) for page in reader.pages) == 2
    text = "".join(page.extract_text() for page in reader.pages)
    assert "Forecast of the next 28 days" in text
    assert "how far to trust it" in text


@pytest.mark.usefixtures("worker_process")
async def test_without_sales_there_is_no_forecast_and_no_failure(api: httpx.AsyncClient, signer: Signer):
    admin = signer.headers(1, role="admin")
    document = (await made(api, admin, "sales", "json", to="1990-01-01")).json()
    assert document["forecast"] == document["forecast_quality"] == []
    assert (await made(api, admin, "sales", "pdf", to="0001-01-01")).content.startswith(b"%PDF")
