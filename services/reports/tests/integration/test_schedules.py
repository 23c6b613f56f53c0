"""What the clock starts: the tests' worker plans none of it (WORKER_SCHEDULES), so it is looked at here."""

import pytest

from reports.settings import ReportsSettings
from reports.worker import create_application
from shared.testing.schedules import OF_EVERY_SERVICE, own_installation, planned
from shared.testing.servers import Servers
from shared.testing.serving import running

PLANNED = {
    **OF_EVERY_SERVICE,
    "clean_up.webhook_messages": "*/10 * * * *",
    "clean_up.reports": "7 * * * *",
    "clean_up.report_directories": "37 4 * * *",
}


async def test_a_worker_plans_all_that_time_brings(
    servers: Servers, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    async with own_installation(servers, "reports") as own:
        for name, value in {**environment, **own}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("WORKER_SCHEDULES")
        async with running(create_application(ReportsSettings())):
            assert await planned(own) == PLANNED
