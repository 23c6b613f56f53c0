"""The receiver answers as Jaeger does, keeps a bounded number of spans and escapes what it shows."""

import gzip
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from local_stack.traces.app import create_app
from local_stack.traces.otlp import JSON
from local_stack.traces.store import Store

NOW = time.time_ns()


def export(*spans: dict[str, Any], service: str = "orders") -> bytes:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return orjson.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]})


def a_span(trace: int, span: int, parent: int | None = None, **fields: Any) -> dict[str, Any]:
    begin = fields.pop("begin", NOW + span * 1_000_000)
    identity = {"traceId": f"{trace:032x}", "spanId": f"{span:016x}"}
    if parent is not None:
        identity["parentSpanId"] = f"{parent:016x}"
    times = {"startTimeUnixNano": str(begin), "endTimeUnixNano": str(begin + 5_000_000)}
    return {**identity, **times, "name": "GET /orders", "kind": 2, **fields}


def client_of(store: Store) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(store)), base_url="http://traces")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    store = Store(tmp_path / "traces.sqlite")
    async with client_of(store) as client:
        yield client
    store.close()


async def take(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/traces", content=body, headers={"content-type": JSON})
    assert answer.status_code == 200
    assert answer.json() == {}


async def test_a_trace_over_two_services_is_one_tree(client: httpx.AsyncClient):
    await take(client, export(a_span(1, 1), a_span(1, 2, parent=1), service="gateway"))
    await take(client, export(a_span(1, 3, parent=2), service="orders"))

    answer = (await client.get(f"/api/traces/{1:032x}")).json()

    assert set(answer) == {"data", "total", "limit", "offset", "errors"}
    (trace,) = answer["data"]
    assert trace["traceID"] == f"{1:032x}"
    names = {span["spanID"]: trace["processes"][span["processID"]]["serviceName"] for span in trace["spans"]}
    assert names == {f"{1:016x}": "gateway", f"{2:016x}": "gateway", f"{3:016x}": "orders"}
    references = {span["spanID"]: span["references"] for span in trace["spans"]}
    assert references[f"{1:016x}"] == []
    assert references[f"{3:016x}"] == [{"refType": "CHILD_OF", "traceID": f"{1:032x}", "spanID": f"{2:016x}"}]


async def test_gzip_is_taken_and_an_unknown_type_is_not(client: httpx.AsyncClient):
    body = gzip.compress(export(a_span(1, 1)))
    headers = {"content-type": JSON, "content-encoding": "gzip"}
    assert (await client.post("/v1/traces", content=body, headers=headers)).status_code == 200
    assert (await client.post("/v1/traces", content=b"x", headers={"content-type": "text/plain"})).status_code == 415
    assert (await client.post("/v1/traces", content=b"{", headers={"content-type": JSON})).status_code == 400
    assert (await client.get("/api/services")).json()["data"] == ["orders"]


async def test_traces_are_found_by_service_operation_tags_and_age(client: httpx.AsyncClient):
    ok = {"attributes": [{"key": "http.response.status_code", "value": {"intValue": "201"}}]}
    await take(client, export(a_span(1, 1, name="POST /orders", **ok)))
    await take(client, export(a_span(2, 2, begin=NOW - 7_200 * 10**9)))
    await take(client, export(a_span(3, 3), service="users"))

    async def found(**query: str) -> list[str]:
        answer = await client.get("/api/traces", params=query)
        assert answer.status_code == 200, answer.text
        return [str(int(trace["traceID"], 16)) for trace in answer.json()["data"]]

    assert await found(service="orders") == ["1", "2"]
    assert await found(service="orders", limit="1") == ["1"]
    assert await found(service="orders", lookback="1h") == ["1"]
    assert await found(service="orders", operation="GET /orders") == ["2"]
    assert await found(service="orders", tags='{"http.response.status_code":"201"}') == ["1"]
    assert await found(service="orders", tag="http.response.status_code:500") == []
    assert await found(service="orders", minDuration="6ms") == []
    assert await found(service="nobody") == []
    assert await found(traceID=f"{3:032x}") == ["3"]
    operations = (await client.get("/api/operations", params={"service": "orders"})).json()["data"]
    assert {"name": "POST /orders", "spanKind": "server"} in operations


@pytest.mark.parametrize(
    "query", [{}, {"service": "x", "limit": "many"}, {"service": "x", "lookback": "1"}, {"service": "x", "tags": "{"}]
)
async def test_a_bad_query_is_400_in_jaegers_shape(client: httpx.AsyncClient, query: dict[str, str]):
    answer = await client.get("/api/traces", params=query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == 400


async def test_an_unknown_trace_is_404_in_jaegers_shape(client: httpx.AsyncClient):
    answer = await client.get("/api/traces/abc")
    assert answer.status_code == 404
    assert answer.json()["errors"] == [{"code": 404, "msg": "trace not found"}]


async def test_the_oldest_traces_go_first(tmp_path: Path):
    store = Store(tmp_path / "traces.sqlite", most_spans=10)
    async with client_of(store) as client:
        for number in range(1, 31):
            await take(client, export(a_span(number, number)))
        kept = [
            int(trace["traceID"], 16)
            for trace in (await client.get("/api/traces?service=orders&limit=99")).json()["data"]
        ]
    store.close()
    assert kept[0] == 30
    assert 10 <= len(kept) <= 20
    assert kept == sorted(kept, reverse=True)


async def test_the_pages_escape_what_a_span_says(client: httpx.AsyncClient):
    evil = "<script>alert(1)</script>"
    attribute = {"attributes": [{"key": evil, "value": {"stringValue": evil}}], "name": evil}
    await take(
        client, export(a_span(1, 1, **attribute, events=[{"name": evil, "timeUnixNano": str(NOW)}]), service=evil)
    )

    for path in ("/", f"/trace/{1:032x}"):
        page = await client.get(path)
        assert page.status_code == 200
        assert "<script" not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (await client.get("/trace/ff")).status_code == 404
    assert "<script" not in (await client.get("/trace/%3Cscript%3E")).text


async def test_spans_whose_parents_go_in_a_circle_are_still_answered(client: httpx.AsyncClient):
    await take(client, export(a_span(1, 1, parent=2), a_span(1, 2, parent=1), a_span(1, 3, parent=3)))
    assert (await client.get(f"/trace/{1:032x}")).status_code == 200
    assert len((await client.get(f"/api/traces/{1:032x}")).json()["data"][0]["spans"]) == 3
