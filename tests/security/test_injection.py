"""ASVS V1, V16: what is no text of ours is data wherever it is put: no fault, no echo as a page, no line in a log."""

import asyncio
import json
import re
import secrets
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from access_matrix import Row, rows
from belongings import Owner, newcomer
from e2e_system import Person, System
from right_bodies import BODIES

from local_stack.services import SERVICES
from shared.testing.waiting import PATIENCE_SECONDS

TEXTS = (
    "'; DROP TABLE users; --",
    "' OR '1'='1",
    "1); SELECT pg_sleep(10); --",
    "%_%",
    "a\r\nSet-Cookie: injected=1\r\n\r\n<html>",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}${7*7}<%= 7*7 %>#{7*7}",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "a\0b",
    "\u202egnp.exe",
    "\u200b\u2066\ufeff",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "=cmd|' /C calc'!A0",
    "$(id)`id`|id",
    "A" * 900_000,
)
RAW = (
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"1",
    b"{",
    b"[" * 10_000 + b"]" * 10_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"name":NaN,"stock":Infinity}',
    b'{"stock":1e400,"quantity":-1e400}',
    b'{"stock":' + b"9" * 5_000 + b"}",
    b'{"name":"\\ud800","email":"\\udfff","sku":"\\ud800"}',
    b'{"name":"\xff\xfe"}',
    b"\xef\xbb\xbf{}",
    "{}".encode("utf-16"),
    b'{"__proto__":{"role":"admin"},"constructor":{"prototype":{"role":"admin"}}}',
)
# What is no id of ours, and what some parsers take for one.
NUMBERS = ("0", "-1", "1e3", "1.0", "+1", "\u0661", "01", "null", "NaN", "1;x=1", "%00", "1 OR 1=1", "9" * 30)
SHORT = [text for text in TEXTS if len(text) < 10_000]
BODY_ROWS = [row for row in rows() if row.name in BODIES]
PATH_ROWS = [row for row in rows() if "{" in row.path]


@pytest.fixture(scope="module", autouse=True)
def begun(system: System) -> dict[Path, int]:
    """How long each log was before the attacks of this file."""
    return {file: file.stat().st_size for file in our_logs(system.state)} if system.state else {}


def allowed(row: Row, owner: Owner) -> dict[str, str]:
    """The headers of whoever the table lets in: what is refused is not even read."""
    return owner.person.headers if row.expected.get("own", 999) < 300 else owner.boss.headers


def harmless(answer: httpx.Response) -> None:
    """No fault, no page, no header that the request made."""
    assert answer.status_code < 500, (answer.request.method, str(answer.request.url)[:300], answer.text[:500])
    assert "injected" not in answer.headers.get("set-cookie", "")
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


def planted(body: Any, text: str) -> Iterator[Any]:
    """The body once for each of its texts, with ``text`` in that one's place; lists and objects are gone through."""
    if isinstance(body, str):
        yield text
    elif isinstance(body, dict | list):
        for key in body if isinstance(body, dict) else range(len(body)):
            for changed in planted(body[key], text):
                copy = deepcopy(body)
                copy[key] = changed
                yield copy


@pytest.mark.parametrize("row", BODY_ROWS, ids=lambda row: row.name)
async def test_each_text_of_a_body_takes_anything(row: Row, owner: Owner, asking: httpx.AsyncClient):
    owner = newcomer(owner.client, owner.boss, owner.receiver)  # who may lose the account by it
    options = BODIES[row.name](owner)
    path = f"/api/v1{owner.path(row.path)}"
    if "json" in options:
        calls = [{"json": body} for text in TEXTS for body in planted(options["json"], text)]
        calls += [{"content": raw, "headers": {"Content-Type": "application/json"}} for raw in RAW]
        twice = json.dumps(options["json"])[1:-1]
        calls.append({"content": f"{{{twice},{twice}}}".encode(), "headers": {"Content-Type": "application/json"}})
    elif "data" in options:
        calls = [{"data": {**options["data"], name: text}} for text in SHORT for name in options["data"]]
        calls += [{"content": raw, "headers": {"Content-Type": "application/x-www-form-urlencoded"}} for raw in RAW]
    else:
        calls = [{"content": raw, "headers": options["headers"]} for raw in RAW]
    for call in calls:
        call["headers"] = {**call.get("headers", {}), **allowed(row, owner)}
    for answer in await asyncio.gather(*(asking.request(row.method, path, **call) for call in calls)):
        harmless(answer)
        assert len(answer.content) < 100_000  # nothing answers with what it was sent


@pytest.mark.parametrize("row", PATH_ROWS, ids=lambda row: row.name)
async def test_each_id_of_a_path_takes_anything(row: Row, owner: Owner, asking: httpx.AsyncClient):
    """None of these is an id: nothing is found and nothing is changed."""
    owner = newcomer(owner.client, owner.boss, owner.receiver)
    options = BODIES[row.name](owner) if row.name in BODIES else {}
    options["headers"] = {**options.get("headers", {}), **allowed(row, owner)}
    paths = ["/api/v1" + re.sub(r"\{\w+\}", quote(each, safe=""), row.path) for each in (*SHORT, *NUMBERS)]
    for answer in await asyncio.gather(*(asking.request(row.method, path, **options) for path in paths)):
        harmless(answer)
        # A person has few streams at once.
        refused = (400, 404, 422, 429) if row.path.endswith("/events") else (400, 404, 422)
        assert answer.status_code in refused, (str(answer.request.url), answer.status_code, answer.text)


async def test_each_parameter_of_a_query_takes_anything(
    document: dict[str, Any], owner: Owner, asking: httpx.AsyncClient
):
    let_in = {row.path: allowed(row, owner) for row in rows() if row.method == "GET"}
    calls: list[tuple[str, dict[str, str], dict[str, str]]] = []
    texts = [*SHORT, *NUMBERS, ""]
    for path, item in document["paths"].items():
        if not path.startswith("/api/v1") or "get" not in item or "/events" in path:
            continue
        names = [each["name"] for each in item["get"].get("parameters", ()) if each["in"] == "query"]
        if names and "{client_id}" not in path:
            unversioned = path.removeprefix("/api/v1")
            filled = "/api/v1" + owner.path(unversioned)
            calls += [(filled, {name: text}, let_in[unversioned]) for name in names for text in texts]
    assert len(calls) > 100
    answers = await asyncio.gather(*(asking.get(path, params=query, headers=who) for path, query, who in calls))
    for answer in answers:
        harmless(answer)
        assert answer.status_code not in (401, 403), str(answer.request.url)


def test_a_log_is_one_object_a_line_whatever_is_asked(
    client: httpx.Client, owner: Owner, breakable: System, begun: dict[Path, int]
):
    """Log injection, and what must never be in a log: a password, a token, a key."""
    mark = secrets.token_hex(8)
    password = f"Aa1{mark}Password"
    forged = f'x"}}\n{{"event":"forged-{mark}","level":"info"}}'
    body = {"email": f"{mark}@example.com", "password": password, "name": forged}
    for headers in (
        {"User-Agent": forged.replace("\n", "\t"), "X-Request-ID": f"a{mark}'\"{{}}"},
        {"User-Agent": f"a{mark}\\n{{}}", "Referer": f"https://x/{forged!r}", "X-Forwarded-For": "1.1.1.1\t{}"},
    ):
        client.post("/api/v1/users", json=body, headers=headers)
        client.post("/api/v1/auth/login", json=body, headers=headers)
        client.get(f"/api/v1/users/{quote(forged)}?password={password}&token={password}", headers=headers)
        client.get("/api/v1/orders", headers={**headers, "Authorization": f"Bearer {password}"})
        client.get("/api/v1/orders", headers={**headers, "X-API-Key": f"gh_1_{mark * 3}"[:48]})
        client.get("/api/v1/orders", headers={**headers, **owner.person.headers})
    assert breakable.state is not None
    told = False
    for file in our_logs(breakable.state):
        whole = file.read_bytes()[begun.get(file, 0) :].rpartition(b"\n")[0]
        text = whole.decode()
        assert password not in text, file.name
        assert owner.person.token not in text, file.name
        assert owner.person.password not in text, file.name
        # The other attacks of this file have written there as well.
        for line in text.split("\n") if text else ():
            found = json.loads(line)
            assert isinstance(found, dict), line
            assert found.get("event") != f"forged-{mark}"
        told = told or mark in text
    assert told


def our_logs(state: Path) -> list[Path]:
    """The logs of what is ours: gateway, services, workers."""
    names = ("gateway", *SERVICES)
    found = [file for name in names for file in (state / "logs").glob(f"{name}*.log")]
    assert len(found) >= 4
    return found


def test_a_header_of_the_request_makes_none_of_the_answer(client: httpx.Client, person: Person, system: System):
    for path in ("/api/v1/products/%0d%0aSet-Cookie:injected=1", "/%0d%0aLocation:%20https://attacker.example"):
        answer = httpx.get(system.gateway + path, trust_env=False, timeout=PATIENCE_SECONDS)
        harmless(answer)
        assert "location" not in answer.headers
    for value in ("a\tb", "https://attacker.example", "a" * 5_000):
        answer = client.get("/api/v1/orders", headers={**person.headers, "X-Request-ID": value, "Origin": value})
        harmless(answer)
        assert value not in answer.headers.values()
    host = client.post(
        "/api/v1/reports",
        json={"type": "order_summary", "format": "json", "params": {}},
        headers={**person.headers, "Host": "attacker.example", "X-Forwarded-Host": "attacker.example"},
    )
    assert "attacker.example" not in str(host.headers) + host.text
