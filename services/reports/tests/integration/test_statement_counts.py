"""No N+1: a request takes as many statements for fifteen reports as for one."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest_asyncio

from reports.main import create_application
from reports.settings import ReportsSettings
from shared.testing.serving import running
from shared.testing.tokens import Signer

from .story import ask, new_id

_OUR_TABLES = re.compile(r"\b(FROM|INTO|UPDATE) (reports|jobs|outbox)\b")
Counted = Callable[[str, dict[str, str]], Awaitable[list[str]]]


@pytest_asyncio.fixture
async def statements(
    quiet_api: httpx.AsyncClient, quiet_settings: ReportsSettings, signer: Signer
) -> AsyncIterator[Counted]:
    """Gets a path from an API with one connection and gives the statements that it took."""
    assert quiet_api
    one = quiet_settings.postgres.model_copy(update={"min_connections": 1, "max_connections": 1})
    app = create_application(quiet_settings.model_copy(update={"postgres": one}), signer)
    async with running(app) as client:
        seen: list[str] = []
        async with app.state.resources.database.acquire() as connection:
            connection.add_query_logger(lambda record: seen.append(record.query))

        async def get(path: str, headers: dict[str, str]) -> list[str]:
            seen.clear()
            assert (await client.get(path, headers=headers)).status_code == 200
            return [query for query in seen if _OUR_TABLES.search(query)]

        yield get


async def test_a_list_costs_the_same_whatever_its_length(
    quiet_api: httpx.AsyncClient, signer: Signer, statements: Counted
):
    for number in (1, 15):
        headers = signer.headers(new_id())
        for _ in range(number):
            report = (await ask(quiet_api, headers, "order_summary", "csv")).json()
        assert len(await statements("/api/v1/reports?page_size=100", headers)) == 2
    assert len(await statements(f"/api/v1/reports/{report['id']}", headers)) == 1
