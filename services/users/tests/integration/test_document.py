"""The OpenAPI document and what the routes really do."""

import os
import subprocess
import sys

import asyncpg
import httpx
import pytest
from opentelemetry import trace

from .people import GATEWAY, Account, Accounts, new_email


def test_the_committed_document_is_the_codes():
    ended = subprocess.run(
        [sys.executable, "-m", "users.openapi", "--check"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


async def test_the_document_says_what_the_contract_says(client: httpx.AsyncClient):
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert paths["/api/v1/users/{user_id}"]["get"]["deprecated"] is True
    operations = [(path, operation) for path, item in paths.items() for operation in item.values()]
    assert [path for path, operation in operations if operation.get("deprecated")] == ["/api/v1/users/{user_id}"]
    ids = [operation["operationId"] for _, operation in operations]
    assert len(ids) == len(set(ids))
    assert {path.replace("/v1/", "/v2/") for path in paths if "/v1/" in path} <= set(paths)
    assert not any(path.startswith("/internal") for path in paths)
    assert all(operation["tags"] and operation["summary"] for _, operation in operations)


async def test_lists_ask_the_database_as_often_however_long_they_are(
    client: httpx.AsyncClient, admin: Account, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
):
    """No N+1: the caller, the count, the page."""
    for _ in range(3):
        await accounts.make()
    asked: list[tuple[int, str]] = []
    execute = asyncpg.Connection._execute

    async def watched(self: asyncpg.Connection, query: str, *args: object, **kwargs: object) -> object:
        # The worker may be at work in this process too: the trace tells whose statement it is.
        asked.append((trace.get_current_span().get_span_context().trace_id, query))
        return await execute(self, query, *args, **kwargs)

    monkeypatch.setattr(asyncpg.Connection, "_execute", watched)
    counts = []
    for path in ("/users", "/users/me/sessions", "/users/me/api-keys"):
        for size in (1, 50):
            with trace.get_tracer(__name__).start_as_current_span("a list") as span:
                answer = await client.get(f"/api/v1{path}", headers=admin.headers, params={"page_size": size})
            assert answer.status_code == 200
            trace_id = span.get_span_context().trace_id
            statements = [query for asking, query in asked if asking == trace_id]
            counts.append(sum(query.lstrip().startswith("SELECT") for query in statements))
    assert counts == [3] * 6


async def test_no_log_line_has_a_secret_or_an_address(
    client: httpx.AsyncClient, account: Account, caplog: pytest.LogCaptureFixture
):
    email, password = new_email(), "Very-Secret-Horse-7"
    await client.post("/api/v1/users", json={"name": "Ada", "email": email, "password": password})
    answer = await client.post("/api/v1/auth/login", json={"email": email, "password": password})
    tokens = answer.json()
    for _ in range(2):
        await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    await client.post("/api/v1/auth/login", json={"email": account.email, "password": password})
    key = await client.post("/api/v1/users/me/api-keys", headers=account.headers, json={"name": "script"})
    await client.post("/internal/api-keys/exchange", json={"api_key": key.json()["key"]}, auth=GATEWAY)
    # The sink of the mail tests, a stand-in for somebody else's server, has a log of its own.
    lines = "\n".join(str(record.msg) for record in caplog.records if not record.name.startswith("mail"))
    assert "logged_in" in lines
    assert "refresh_token_reused" in lines
    for secret in (email, account.email, password, tokens["access_token"], tokens["refresh_token"], key.json()["key"]):
        assert secret not in lines


async def test_a_path_with_a_slash_more_is_another_path(client: httpx.AsyncClient):
    # A redirect would send the client to an address that only the gateway knows.
    answer = await client.get("/api/v1/users/")
    assert (answer.status_code, answer.json()["code"]) == (404, "route_not_found")


async def test_the_metrics_tell_versions_apart(client: httpx.AsyncClient, account: Account):
    for version in ("v1", "v2"):
        await client.get(f"/api/{version}/users/{account.id}", headers=account.headers)
    metrics = (await client.get("/metrics")).text
    for version in ("v1", "v2"):
        assert f'route="/api/{version}/users/{{user_id}}",status="200"' in metrics
