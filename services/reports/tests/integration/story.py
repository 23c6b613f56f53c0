"""What the tests say as the other services, and how they wait for what follows."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema

from reports import worker
from reports.settings import ReportsSettings
from shared.messaging import append_event
from shared.postgres import Database
from shared.testing.serving import running
from shared.testing.waiting import PATIENCE_SECONDS, eventually

SERVICES = Path(__file__).parents[3]
BASE = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = itertools.count(1000)


@asynccontextmanager
async def running_worker(settings: ReportsSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with running(worker.create_application(settings)) as client:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await client.get("/health/ready")).status_code != 200:
                await asyncio.sleep(0.05)
        yield client


class OtherServices:
    """Says what orders and users would say, through an outbox and a relay of their own."""

    def __init__(self, outbox: Database) -> None:
        self._outbox = outbox

    async def say(self, event_type: str, data: dict[str, Any]) -> None:
        check_schema(event_type, data)
        plural = event_type.split(".", maxsplit=1)[0]
        source = "users" if plural == "users" else "orders"
        async with self._outbox.transaction() as connection:
            await append_event(
                connection,
                type=event_type,
                source=f"/services/{source}",
                subject=f"{plural}/{data['id']}",
                data=data,
            )


def check_schema(event_type: str, data: dict[str, Any]) -> None:
    """Hold test events to the schema of whoever says them."""
    [path] = SERVICES.glob(f"*/events/{event_type}.json")
    schema = json.loads(path.read_text())
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    checker.validate(json.loads(json.dumps(data)))


def moment(days: float = 0) -> str:
    return (BASE + timedelta(days=days)).isoformat().replace("+00:00", "Z")


def new_id() -> int:
    return next(_numbers)


def user(user_id: int, name: str = "Ada Lovelace", version: int = 1) -> dict[str, Any]:
    return {
        "id": user_id,
        "name": name,
        "email": f"user{user_id}@example.com",
        "role": "user",
        "created_at": moment(-1),
        "version": version,
    }


def order(
    order_id: int, user_id: int, status: str = "pending", *, version: int = 1, days: float = 0, **changes: Any
) -> dict[str, Any]:
    items = changes.pop(
        "items",
        [
            {"product_id": 1, "sku": "TEA-1", "name": "Green tea", "quantity": 2, "unit_price": "9.99"},
            {"product_id": 2, "sku": "CUP-1", "name": "Cup", "quantity": 1, "unit_price": "5.00"},
        ],
    )
    return {
        "id": order_id,
        "user_id": user_id,
        "status": status,
        "items": items,
        "total": "24.98",
        "currency": "EUR",
        "created_at": moment(days),
        "updated_at": moment(days + (version - 1) / 24),
        "version": version,
        **changes,
    }


async def finished(api: httpx.AsyncClient, location: str, headers: dict[str, str]) -> Any:
    async def look() -> Any:
        body = (await api.get(location, headers=headers)).json()
        return body if body["finished_at"] else None

    return await eventually(look)


def product(product_id: int, name: str, version: int = 1, **changes: Any) -> dict[str, Any]:
    data = {"id": product_id, "sku": f"SKU-{product_id}", "name": name, "price": "9.99", "currency": "EUR"}
    return {**data, "stock": 100, "deleted": False, "version": version, **changes}


async def ask(
    api: httpx.AsyncClient, headers: dict[str, str], report_type: str, report_format: str, **params: Any
) -> httpx.Response:
    body = {"type": report_type, "format": report_format, "params": params}
    return await api.post("/api/v1/reports", json=body, headers=headers)


async def made(
    api: httpx.AsyncClient, headers: dict[str, str], report_type: str, report_format: str, **params: Any
) -> httpx.Response:
    """The file of a report that is asked for and waited for."""
    answer = await ask(api, headers, report_type, report_format, **params)
    assert answer.status_code == 202, answer.text
    location = answer.headers["location"]
    body = await finished(api, location, headers)
    assert body["status"] == "succeeded", body
    content = await api.get(f"{location}/content", headers=headers)
    assert content.status_code == 200, content.text
    return content
