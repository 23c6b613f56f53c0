"""The process: graceful stop, reload (TRAPS, forwarding 11), traces, the merged document, bad starts."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from gateway_testing.process import ROUTES, GatewayProcess, Valkey
from gateway_testing.receiver import Receiver
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from shared.testing.waiting import PATIENCE_SECONDS


@contextlib.asynccontextmanager
async def running(upstream: RawUpstream, valkey: Valkey, **environment: str):
    process = GatewayProcess(upstream.port, valkey.port, **environment)
    await asyncio.to_thread(process.start)
    try:
        await process.ready()
        yield process
    finally:
        await asyncio.to_thread(process.stop)


async def test_sigterm_finishes_what_is_in_flight(upstream: RawUpstream, valkey: Valkey):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def waits(call: Call) -> None:
        if "/live" in call.seen.target:
            await call.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            while not await call.hung_up(0.2):
                await call.send(b"2\r\n\n\n\r\n")
            return
        started.set()
        await go_on.wait()
        await call.answer(200, b"done")

    upstream.manner = waits
    async with running(upstream, valkey, HTTP_NOT_READY_SECONDS="2") as gateway:
        idle, busy, stream = [await Wire.open(gateway.port) for _ in range(3)]
        await idle.send(request("GET", "/health/live"))
        await idle.answer()
        await stream.send(request("GET", "/api/v1/live"))
        await stream.reader.readuntil(b"2\r\n\n\n\r\n")
        await busy.send(request("GET", "/api/v1/things"))
        await asyncio.wait_for(started.wait(), PATIENCE_SECONDS)
        gateway.signal(signal.SIGTERM)
        await gateway.logged(event="draining")
        ready = await ask(gateway.port, "GET", "/health/ready")  # still accepting, and says not to send more
        assert (ready.status, ready.json()["status"]) == (503, "draining")
        assert await idle.closed()
        rest = await asyncio.wait_for(stream.reader.read(), PATIENCE_SECONDS)
        assert rest.endswith(b"\r\n0\r\n\r\n"), "ended in order"
        go_on.set()
        answer = await busy.answer()
        assert (answer.status, answer.body, answer["connection"]) == (200, b"done", "close")
        assert await asyncio.to_thread(gateway.wait) == 0


async def test_trap_11_a_reload_drops_nothing_and_a_bad_file_is_refused(
    upstream: RawUpstream, valkey: Valkey, tmp_path: Path
):
    file = tmp_path / "routes.toml"
    shutil.copy(ROUTES, file)
    began, held = asyncio.Event(), asyncio.Event()

    async def waits(call: Call) -> None:
        began.set()
        await held.wait()
        await call.answer(200, b"held")

    async with running(upstream, valkey, GATEWAY_ROUTES=str(file), ROUTES_WATCH_SECONDS="0") as gateway:
        upstream.manner = waits
        busy = await Wire.open(gateway.port)
        await busy.send(request("GET", "/api/v1/things"))
        await asyncio.wait_for(began.wait(), PATIENCE_SECONDS)
        file.write_text(
            ROUTES.read_text()
            .replace('keep_alive = "10s"', 'keep_alive = "3s"')
            .replace('path = "/api/private"', 'path = "/api/renamed"')
        )
        gateway.signal(signal.SIGHUP)
        await gateway.logged(event="routes_reloaded")
        assert (await ask(gateway.port, "GET", "/api/v1/private")).status == 404
        assert (await ask(gateway.port, "GET", "/api/v1/renamed")).status == 401
        held.set()
        assert (await busy.answer()).body == b"held"
        file.write_text("[[routes]]\npath = 1\n")
        gateway.signal(signal.SIGHUP)
        refused = await gateway.logged(event="routes_refused")
        assert any("routes.toml:2: routes[0].path" in problem for problem in refused["problems"])
        assert (await ask(gateway.port, "GET", "/api/v1/renamed")).status == 401
        assert (await ask(gateway.port, "GET", "/api/v1/things")).status == 200


async def test_trap_13_spans_and_decisions(upstream: RawUpstream, valkey: Valkey, issuer: Issuer):
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20secret",
        "OTEL_RESOURCE_ATTRIBUTES": "service.version=1.2,service.name=other",
    }
    async with running(upstream, valkey, **environment) as gateway:
        user = {"authorization": f"Bearer {issuer.token('spans')}"}
        parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        await ask(gateway.port, "GET", "/api/v1/limited", {**user, "traceparent": parent})
        forwarded = upstream.seen[-1].get("traceparent")
        unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-00"
        await ask(gateway.port, "GET", "/api/v1/limited", {**user, "traceparent": unsampled})
        gateway.signal(signal.SIGTERM)
        assert await asyncio.to_thread(gateway.wait) == 0
    server.close()
    assert {span.trace_id.hex() for span in receiver.spans} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    assert receiver.resources[0].items() >= {"service.name": "gateway", "service.version": "1.2"}.items()
    assert b"x-key: a secret\r\n" in receiver.heads[0]
    of_kind = {span.kind: span for span in receiver.spans}
    first, second = of_kind[Span.SPAN_KIND_SERVER], of_kind[Span.SPAN_KIND_CLIENT]
    assert first.name == "GET /api/limited"
    assert first.parent_span_id.hex() == "00f067aa0ba902b7"
    assert second.parent_span_id == first.span_id
    assert forwarded == f"00-{second.trace_id.hex()}-{second.span_id.hex()}-01"
    assert [event.name for event in first.events] == ["route", "identity", "limit"]
    assert first.start_time_unix_nano <= second.start_time_unix_nano <= second.end_time_unix_nano


async def test_one_document_for_all_services(upstream: RawUpstream, gateway: GatewayProcess):
    before = upstream.document_fetches
    answers = await asyncio.gather(*(ask(gateway.port, "GET", "/openapi.json") for _ in range(5)))
    assert upstream.document_fetches - before <= 1
    document = answers[0].json()
    assert set(document["paths"]) == {
        "/api/v1/things",
        "/api/v1/things/{thing_id}",
        "/api/v2/things/{thing_id}",
        "/api/v1/private",
    }
    shown = document["paths"]["/api/v1/things/{thing_id}"]["get"]
    assert (shown["deprecated"], shown["operationId"]) == (True, "main_show")
    assert "deprecated" not in document["paths"]["/api/v2/things/{thing_id}"]["get"]
    assert document["paths"]["/api/v1/private"]["get"]["security"] == [
        {"bearer": ["things:read"]},
        {"X-API-Key": ["things:read"]},
    ]
    assert "T" not in document["components"]["schemas"]
    reference = {"$ref": "#/components/schemas/main_T"}
    assert document["components"]["schemas"]["main_T"]["properties"]["next"] == reference
    assert document["x-unavailable"] == ["dead"]
    assert "dead" in document["info"]["description"]


async def test_docs_load_nothing_from_elsewhere(gateway: GatewayProcess):
    page = await ask(gateway.port, "GET", "/docs")
    assert b"://" not in page.body
    policy = page["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "docs.js"):
        asset = await ask(gateway.port, "GET", f"/docs/assets/{name}")
        assert asset.status == 200
        assert len(asset.body) > 50


async def test_not_ready_before_the_keys_are_known(upstream: RawUpstream, valkey: Valkey, issuer: Issuer):
    upstream.issuer_down = True
    process = GatewayProcess(upstream.port, valkey.port)
    await asyncio.to_thread(process.start)
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    answer = await ask(process.port, "GET", "/health/ready")
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        assert (answer.status, answer.json()["status"], answer["retry-after"]) == (503, "not_ready", "1")
        user = {"authorization": f"Bearer {issuer.token()}"}
        answer = await ask(process.port, "GET", "/api/v1/private", user)
        assert (answer.status, answer.code) == (503, "identity_unavailable")
        upstream.issuer_down = False
        await process.ready()
        assert (await ask(process.port, "GET", "/api/v1/private", user)).status == 200
    finally:
        await asyncio.to_thread(process.stop)


def test_a_bad_setting_or_file_is_one_clear_error(tmp_path: Path):
    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gateway", "run"],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    bad = run(HTTP_PORT="many", TRUSTED_PROXIES="not-a-network")
    assert bad.returncode == 1
    assert "HTTP_PORT" in bad.stderr
    assert "TRUSTED_PROXIES" in bad.stderr
    assert "Traceback" not in bad.stderr
    file = tmp_path / "routes.toml"
    file.write_text("[upstreams.a]\nurl = 'ftp://x'\n")
    bad = run(GATEWAY_ROUTES=str(file))
    assert bad.returncode == 1
    assert f"{file}:1: upstreams.a: url is http" in bad.stderr or f"{file}:2: upstreams.a" in bad.stderr
