"""What makes an account harder to take back is told to its owner by mail (ASVS 5, 6.3.7)."""

from typing import Any

import httpx
import pytest

from .mails import mail_about
from .people import Account

pytestmark = pytest.mark.usefixtures("worker")


async def test_a_key_that_outlives_all_logins(client: httpx.AsyncClient, account: Account, sink: Any):
    made = await client.post("/api/v1/users/me/api-keys", headers=account.headers, json={"name": "script"})
    assert made.status_code == 201
    mail = await mail_about(sink, account.email, "An API key was made")
    assert made.json()["key"] not in mail.get_content()
