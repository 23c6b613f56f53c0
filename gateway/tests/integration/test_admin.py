"""The admin view: on a listener of its own, for every worker, closed to other sites' pages, without secrets."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_testing.process import ROUTES, GatewayProcess, Valkey, free_port
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Wire, ask, request

from shared.testing.waiting import PATIENCE_SECONDS, eventually

LOCAL = {"host": "127.0.0.1"}
CHANGES = {**LOCAL, "x-gatehouse-admin": "1"}

KEPT = """
[[routes]]
path = "/kept/{id}"
methods = ["GET"]
upstream = "main"
versions = []
identity = "ignored"
[routes.cache]
"""


class Watched(GatewayProcess):
    admin: int
    routes: Path


@pytest.fixture(scope="module")
async def watched(
    running_upstream: RawUpstream, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Watched]:
    file = tmp_path_factory.mktemp("admin") / "routes.toml"
    file.write_text(ROUTES.read_text() + KEPT)
    admin = free_port()
    process = Watched(
        running_upstream.port,
        valkey.port,
        WORKERS="2",
        ADMIN_PORT=str(admin),
        GATEWAY_ROUTES=str(file),
        ROUTES_WATCH_SECONDS="0",
        REDIS_URL=f"redis://default:hunter2@127.0.0.1:{valkey.port}/0",
    )
    process.admin, process.routes = admin, file
    await asyncio.to_thread(process.start)
    await process.ready()
    await process.times_logged_is(2, event="worker_accepting")
    await eventually(lambda: counting(admin))
    yield process
    await asyncio.to_thread(process.stop)


async def counting(port: int) -> bool:
    """Whether every worker counts in Redis."""
    found = (await asked(port, "GET", "/admin/limits", LOCAL)).json()["workers"]
    return all(worker["answer"]["limits"]["redis"] == "up" for worker in found)


async def asked(port: int, method: str, target: str, headers: dict[str, str]):
    wire = await Wire.open(port)
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    await wire.send("\r\n".join([*lines, "content-length: 0", "", ""]).encode())
    try:
        return await wire.answer(head_only=method == "HEAD")
    finally:
        wire.close()


async def test_it_tells_of_every_worker_and_of_every_part(watched: Watched):
    found = (await asked(watched.admin, "GET", "/admin/state", LOCAL)).json()["workers"]
    assert [worker["worker"] for worker in found] == [0, 1]
    for worker in found:
        answer = worker["answer"]
        assert answer["config"]["version"] == found[0]["answer"]["config"]["version"]
        things = [route for route in answer["routes"] if route["name"] == "/api/things"]
        assert {route["version"] for route in things} == {1, 2}
        assert things[0]["timeouts"]["total"] > 0
        assert {upstream["name"] for upstream in answer["upstreams"]} >= {"main", "narrow", "dead"}
        assert answer["limits"]["redis"] == "up"
        assert "small" in answer["limits"]["policies"]
    part = (await asked(watched.admin, "GET", "/admin/upstreams", LOCAL)).json()["workers"]
    assert set(part[0]["answer"]) == {"upstreams"}
    page = await asked(watched.admin, "GET", "/admin", LOCAL)
    assert (page.status, page["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"Worker 1" in page.body
    assert b"hunter2" not in page.body
    assert page["cache-control"] == "no-store"
    assert (await asked(watched.admin, "HEAD", "/admin/state", LOCAL)).status == 200
    assert (await asked(watched.admin, "GET", "/admin/nothing", LOCAL)).code == "route_not_found"


async def test_what_is_in_flight_is_shown_with_its_age(watched: Watched, upstream: RawUpstream):
    began, go_on = asyncio.Event(), asyncio.Event()

    async def waits(call: Call) -> None:
        began.set()
        await go_on.wait()
        await call.answer(200)

    upstream.manner = waits
    wire = await Wire.open(watched.port)
    await wire.send(request("GET", "/api/v1/things?secret=hunter2", {"x-request-id": "under-way"}))
    await asyncio.wait_for(began.wait(), PATIENCE_SECONDS)
    answer = await asked(watched.admin, "GET", "/admin/connections", LOCAL)
    flying = [one for worker in answer.json()["workers"] for one in worker["answer"]["connections"]["oldest"]]
    assert [(one["route"], one["upstream"], one["request_id"]) for one in flying] == [
        ("/api/things", "main", "under-way")
    ]
    assert flying[0]["age_seconds"] > 0
    assert b"hunter2" not in answer.body
    go_on.set()
    assert (await wire.answer()).status == 200


async def test_what_is_kept_is_shown_and_forgotten_by_prefix(watched: Watched, upstream: RawUpstream):
    async def keeps(call: Call) -> None:
        await call.answer(200, b"kept", ("cache-control", "public, max-age=60"))

    async def kept() -> dict[str, int]:
        found = (await asked(watched.admin, "GET", "/admin/cache", LOCAL)).json()["workers"]
        return {name: sum(worker["answer"]["cache"][name] for worker in found) for name in ("answers", "bytes")}

    upstream.manner = keeps
    wire = await Wire.open(watched.port)  # one connection, so one worker
    for target in ("/kept/1", "/kept/1", "/kept/2"):
        await wire.send(request("GET", target))
        assert (await wire.answer()).body == b"kept"
    assert len(upstream.seen) == 2
    assert (await kept())["answers"] == 2
    assert (await asked(watched.admin, "DELETE", "/admin/cache?prefix=kept", CHANGES)).status == 400
    assert (await asked(watched.admin, "DELETE", "/admin/cache", CHANGES)).code == "bad_request"
    assert (await asked(watched.admin, "DELETE", "/admin/cache?prefix=/", LOCAL)).code == "header_required"
    purged = await asked(watched.admin, "DELETE", "/admin/cache?prefix=/kept/1", CHANGES)
    # Workers tell each other by Redis too: who heard of it there first has nothing left to count.
    assert purged.status == 200
    assert purged.json()["purged"] <= 1
    await wire.send(request("GET", "/kept/1") + request("GET", "/kept/2"))
    assert [(await wire.answer()).status for _ in range(2)] == [200, 200]
    assert len(upstream.seen) == 3
    assert (await asked(watched.admin, "DELETE", "/admin/cache?prefix=/", CHANGES)).json()["purged"] <= 2
    assert await kept() == {"answers": 0, "bytes": 0}


async def test_reload_says_what_is_wrong_in_every_worker(watched: Watched):
    good = watched.routes.read_text()
    version = (await asked(watched.admin, "GET", "/admin/config", LOCAL)).json()["workers"][0]["answer"]["config"]
    watched.routes.write_text("[[routes]]\npath = 1\n")
    refused = await asked(watched.admin, "POST", "/admin/reload", CHANGES)
    assert (refused.status, refused.json()["taken"]) == (409, False)
    for worker in refused.json()["workers"]:
        assert any("routes[0].path" in problem for problem in worker["answer"]["problems"])
    watched.routes.write_text(good.replace('"/plain/{name}"', '"/simple/{name}"'))
    taken = await asked(watched.admin, "POST", "/admin/reload", CHANGES)
    assert (taken.status, taken.json()["taken"]) == (200, True)
    versions = {worker["answer"]["version"] for worker in taken.json()["workers"]}
    assert len(versions) == 1
    assert versions != {version["version"]}
    assert (await ask(watched.port, "GET", "/simple/a")).status == 200


@pytest.mark.parametrize(
    ("method", "target", "headers", "code"),
    [
        ("GET", "/admin/state", {"host": "rebound.example"}, "host_not_allowed"),
        ("GET", "/admin/state", {"host": "127.0.0.1.evil.example"}, "host_not_allowed"),
        ("GET", "/admin/state", {}, "host_not_allowed"),
        ("GET", "/admin/state", {**LOCAL, "sec-fetch-site": "cross-site"}, "cross_site"),
        ("POST", "/admin/reload", {**CHANGES, "origin": "https://evil.example"}, "cross_site"),
        ("POST", "/admin/reload", {**CHANGES, "sec-fetch-site": "same-site"}, "cross_site"),
        ("POST", "/admin/reload", LOCAL, "header_required"),
    ],
)
async def test_other_sites_pages_are_refused(
    watched: Watched, method: str, target: str, headers: dict[str, str], code: str
):
    answer = await asked(watched.admin, method, target, headers)
    if headers:
        assert (answer.status, answer.code) == (403, code)
    else:
        assert answer.status in (400, 403)
    preflight = await asked(watched.admin, "OPTIONS", target, {**LOCAL, "origin": "https://evil.example"})
    assert preflight.get("access-control-allow-origin") is None


async def test_nothing_of_it_is_on_the_public_port(watched: Watched):
    for target in ("/admin", "/admin/state", "/admin/reload"):
        assert (await ask(watched.port, "GET", target)).status == 404


async def test_a_token_is_asked_for_where_one_is_set_and_needed_off_loopback(
    running_upstream: RawUpstream, valkey: Valkey
):
    admin = free_port()
    settings = {"ADMIN_PORT": str(admin), "ADMIN_HOST": "0.0.0.0"}  # noqa: S104 - what is tested
    bare = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "gateway", "run"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert bare.returncode == 1
    assert "ADMIN_TOKEN" in bare.stderr
    process = GatewayProcess(running_upstream.port, valkey.port, ADMIN_TOKEN="let-me-in", **settings)
    await asyncio.to_thread(process.start)
    try:
        await process.ready()
        refused = await asked(admin, "GET", "/admin/config", LOCAL)
        assert (refused.status, refused["www-authenticate"]) == (401, 'Bearer realm="admin"')
        wrong = await asked(admin, "GET", "/admin/config", {**LOCAL, "authorization": "Bearer let-me-ni"})
        assert wrong.status == 401
        answer = await asked(admin, "GET", "/admin/config", {**LOCAL, "authorization": "Bearer let-me-in"})
        assert answer.status == 200
        assert b"let-me-in" not in answer.body
    finally:
        await asyncio.to_thread(process.stop)
