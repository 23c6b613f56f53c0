"""The gateway's identity: whoever exchanges API keys shows who it is, and nobody else may."""

import httpx
import pytest
from pydantic import SecretStr

from shared.postgres import Database
from users.domain.credentials import matches
from users.domain.scopes import EXCHANGE_SCOPE
from users.gateway_client import CLIENT_ID, admit_gateway
from users.gateway_client_settings import GatewayClientSettings
from users.store import oauth_clients

from .oauth_programs import TOKEN, Program, Programs
from .people import GATEWAY, Account

EXCHANGE = "/internal/api-keys/exchange"


async def test_only_the_gateway_exchanges_keys(client: httpx.AsyncClient, account: Account, program: Program):
    made = await client.post("/api/v1/users/me/api-keys", headers=account.headers, json={"name": "script"})
    body = {"api_key": made.json()["key"]}
    assert (await client.post(EXCHANGE, json=body)).status_code == 401
    assert (await client.post(EXCHANGE, json=body, headers=account.headers)).status_code == 401
    guessed = await client.post(EXCHANGE, json=body, auth=httpx.BasicAuth(CLIENT_ID, "guess"))
    assert (guessed.status_code, guessed.json()["error"]) == (401, "invalid_client")
    other = await client.post(EXCHANGE, json=body, auth=program.basic)
    assert (other.status_code, other.json()["error"]) == (403, "unauthorized_client")
    assert (await client.post(EXCHANGE, json=body, auth=GATEWAY)).status_code == 200


async def test_the_gateway_can_do_nothing_else(client: httpx.AsyncClient):
    asked = await client.post(TOKEN, data={"grant_type": "client_credentials"}, auth=GATEWAY)
    assert (asked.status_code, asked.json()["error"]) == (400, "unauthorized_client")
    asked = await client.post("/api/v1/oauth/introspect", data={"token": "x"}, auth=GATEWAY)
    assert asked.status_code == 403


async def test_who_has_the_gateways_address_does_not_shut_it_out(
    client: httpx.AsyncClient, account: Account, programs: Programs
):
    made = await client.post("/api/v1/users/me/api-keys", headers=account.headers, json={"name": "script"})
    gateway = await programs.make(scopes=(EXCHANGE_SCOPE,))
    guess = httpx.BasicAuth(gateway.client_id, "guess")
    grant = {"grant_type": "client_credentials"}
    statuses = [(await client.post(TOKEN, data=grant, auth=guess)).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    exchanged = await client.post(EXCHANGE, json={"api_key": made.json()["key"]}, auth=gateway.basic)
    assert exchanged.status_code == 200
    statuses = [(await client.post(EXCHANGE, json={"api_key": "x"}, auth=guess)).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


@pytest.mark.parametrize("times", [1, 2])
async def test_a_new_secret_holds_beside_the_one_before(database: Database, programs: Programs, times: int):
    assert programs
    secrets = [f"a-secret-that-is-new-{number}-" + "x" * 32 for number in range(times)]
    before = await kept(database)
    for secret in secrets:
        for _ in range(2):  # each instance does it at its start
            await admit_gateway(database, GatewayClientSettings(secret=SecretStr(secret)))
    after = await kept(database)
    assert len(after) == 2
    assert matches(secrets[-1], after[-1])
    assert after[0] == before[-1] if times == 1 else matches(secrets[0], after[0])
    await admit_gateway(database, GatewayClientSettings())


async def kept(database: Database) -> tuple[bytes, ...]:
    async with database.acquire() as connection:
        found = await oauth_clients.find_credentials(connection, CLIENT_ID)
    assert found is not None
    return found.digests
