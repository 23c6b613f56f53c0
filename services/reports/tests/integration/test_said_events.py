"""What reports say to the others, held to the schemas in ``events/``."""

import json
from typing import Any

import asyncpg
import httpx
import jsonschema

from shared.testing.tokens import Signer

from .story import SERVICES, ask, finished, new_id

SCHEMAS = {path.stem: json.loads(path.read_text()) for path in (SERVICES / "reports" / "events").glob("*.json")}


async def said(connection: asyncpg.Connection, report_id: int) -> list[dict[str, Any]]:
    rows = await connection.fetch("SELECT body FROM outbox WHERE subject = $1 ORDER BY id", f"reports/{report_id}")
    return [json.loads(row["body"]) for row in rows]


def check(event: dict[str, Any], event_type: str) -> dict[str, Any]:
    assert (event["specversion"], event["type"], event["source"]) == ("1.0", event_type, "/services/reports")
    jsonschema.Draft202012Validator(
        SCHEMAS[event_type], format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(event["data"])
    assert event["subject"] == f"reports/{event['data']['id']}"
    assert len(event["traceparent"]) == 55
    return event["data"]


async def test_asking_and_cancelling_are_said(
    quiet_api: httpx.AsyncClient, signer: Signer, quiet_database: asyncpg.Connection
):
    user_id = new_id()
    headers = signer.headers(user_id)
    report = (await ask(quiet_api, headers, "order_summary", "pdf")).json()
    (event,) = await said(quiet_database, report["id"])
    data = check(event, "reports.requested.v1")
    assert (data["id"], data["user_id"], data["status"], data["version"]) == (report["id"], user_id, "queued", 1)
    await quiet_api.delete(f"/api/v1/reports/{report['id']}", headers=headers)
    cancelled = check((await said(quiet_database, report["id"]))[1], "reports.failed.v1")
    assert (cancelled["status"], cancelled["version"]) == ("cancelled", 2)


async def test_a_request_that_is_refused_says_nothing(
    quiet_api: httpx.AsyncClient, signer: Signer, quiet_database: asyncpg.Connection
):
    before = await quiet_database.fetchval("SELECT count(*) FROM outbox")
    assert (await ask(quiet_api, signer.headers(new_id()), "sales", "csv")).status_code == 403
    assert await quiet_database.fetchval("SELECT count(*) FROM outbox") == before


async def test_the_end_is_said_with_the_end_itself(
    api: httpx.AsyncClient, signer: Signer, database: asyncpg.Connection, worker_process: httpx.AsyncClient
):
    """The outbox is emptied by the relay, so a trigger keeps a copy of what went through it."""
    assert worker_process
    await database.execute(
        "CREATE TABLE kept (body bytea, subject text);"
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO kept VALUES (NEW.body, NEW.subject); RETURN NEW; END';"
        "CREATE TRIGGER keep AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION keep()"
    )
    headers = signer.headers(new_id())
    location = (await ask(api, headers, "user_activity", "json")).headers["location"]
    await finished(api, location, headers)
    rows = await database.fetch("SELECT body FROM kept WHERE subject = $1", f"reports/{location.rpartition('/')[2]}")
    await database.execute("DROP TRIGGER keep ON outbox; DROP FUNCTION keep; DROP TABLE kept")
    events = [json.loads(row["body"]) for row in rows]
    check(events[0], "reports.requested.v1")
    data = check(events[1], "reports.finished.v1")
    assert (data["status"], data["error"], data["version"]) == ("succeeded", None, 2)
    assert len(events) == 2
    assert events[0]["traceparent"][3:35] == events[1]["traceparent"][3:35], "one trace from asking to the end"


def test_each_type_that_is_said_has_a_schema():
    source = (SERVICES / "reports" / "src" / "reports" / "events.py").read_text()
    assert SCHEMAS.keys() == {f"reports.{what}.v1" for what in ("requested", "finished", "failed")}
    assert all(event_type in source for event_type in SCHEMAS)
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)
