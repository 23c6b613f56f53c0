"""What the clock starts: the tests' worker plans none of it (WORKER_SCHEDULES), so it is looked at here."""

import pytest

from orders.settings import OrdersSettings
from orders.worker import create_application
from shared.testing.schedules import OF_EVERY_SERVICE, own_installation, planned
from shared.testing.servers import Servers
from shared.testing.serving import running

PLANNED = {
    **OF_EVERY_SERVICE,
    "orders.expire-pending-each-minute": "* * * * *",
    "orders.settle-payments-each-minute": "* * * * *",
    "orders.announce-products-each-minute": "* * * * *",
    "clean_up.import_files": "17 * * * *",
}


async def test_a_worker_plans_all_that_time_brings(
    servers: Servers, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    async with own_installation(servers, "orders") as own:
        for name, value in {**environment, **own}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("WORKER_SCHEDULES")
        async with running(create_application(OrdersSettings())):
            assert await planned(own) == PLANNED
