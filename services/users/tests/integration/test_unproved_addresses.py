"""LOGIN_NEEDS_VERIFIED_EMAIL: nobody logs in before the address is proved."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shared.testing.serving import running
from users.main import create_application
from users.settings import UsersSettings

from .mails import mail_about, token_in
from .people import PASSWORD, Account, new_email

pytestmark = pytest.mark.usefixtures("worker")


@pytest_asyncio.fixture(scope="module")
async def strict(settings: UsersSettings, client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    assert client.base_url
    login = settings.login.model_copy(update={"needs_verified_email": True})
    async with running(create_application(settings.model_copy(update={"login": login}))) as strict:
        yield strict


async def _register_and_log_in(client: httpx.AsyncClient, email: str, address: str) -> tuple[int, int, Any]:
    password = "Another-Horse-8"
    made = await client.post("/api/v1/users", json={"name": "Eve", "email": email, "password": password})
    headers = {"X-Forwarded-For": address}
    login = await client.post("/api/v1/auth/login", json={"email": email, "password": password}, headers=headers)
    return made.status_code, login.status_code, {**login.json(), "trace_id": ""}


async def test_a_free_and_a_taken_address_are_told_apart_by_no_login(strict: httpx.AsyncClient, account: Account):
    # TRAPS.md, Auth 4
    free = await _register_and_log_in(strict, new_email(), "198.51.100.11")
    taken = await _register_and_log_in(strict, account.email, "198.51.100.12")
    assert free == taken
    assert free[:2] == (201, 401)


async def test_the_link_lets_its_reader_in(strict: httpx.AsyncClient, sink: Any):
    email = new_email()
    await strict.post("/api/v1/users", json={"name": "Ada Lovelace", "email": email, "password": PASSWORD})
    credentials = {"email": email, "password": PASSWORD}
    assert (await strict.post("/api/v1/auth/login", json=credentials)).status_code == 401
    token = token_in(await mail_about(sink, email, "Welcome to Gatehouse"))
    assert (await strict.post("/api/v1/auth/verify-email", json={"token": token})).status_code == 204
    assert (await strict.post("/api/v1/auth/login", json=credentials)).status_code == 200
