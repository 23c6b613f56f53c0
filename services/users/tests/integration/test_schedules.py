"""What the clock starts: the tests' worker plans none of it (WORKER_SCHEDULES), so it is looked at here."""

import pytest

from shared.testing.schedules import OF_EVERY_SERVICE, own_installation, planned
from shared.testing.servers import Servers
from shared.testing.serving import running
from users.settings import WorkerSettings
from users.worker import create_application

PLANNED = {
    **OF_EVERY_SERVICE,
    "signing_keys": "*/15 * * * *",
    "clean_up.sessions": "*/10 * * * *",
    "clean_up.revocations": "*/10 * * * *",
    "clean_up.known_devices": "47 * * * *",
    "clean_up.audit_events": "37 * * * *",
    "clean_up.service_tokens": "*/10 * * * *",
    "clean_up.mailed_tokens": "*/10 * * * *",
    "clean_up.oauth_codes": "*/10 * * * *",
    "clean_up.oauth_pending_logins": "*/10 * * * *",
    "clean_up.avatar_uploads": "23 * * * *",
}


async def test_a_worker_plans_all_that_time_brings(
    servers: Servers, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    async with own_installation(servers, "users") as own:
        for name, value in {**environment, **own}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("WORKER_SCHEDULES")
        async with running(create_application(WorkerSettings())):
            assert await planned(own) == PLANNED
