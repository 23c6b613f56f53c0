"""The stream of a report's progress."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

from reports import main
from reports.settings import ReportsSettings
from shared.testing.serving import running
from shared.testing.tokens import Signer
from shared.testing.waiting import PATIENCE_SECONDS, eventually
from shared.web import jobs

from .story import ask, finished, new_id, running_worker


@dataclass
class Sent:
    event: str
    data: dict[str, Any]
    id: int


async def stream(api: httpx.AsyncClient, location: str, headers: dict[str, str]) -> AsyncGenerator[Sent]:
    """The events of a stream until it ends."""
    # Longer than between two heartbeats.
    async with api.stream("GET", f"{location}/events", headers=headers, timeout=PATIENCE_SECONDS) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        fields: dict[str, str] = {}
        async for line in answer.aiter_lines():
            if not line and "data" in fields:
                yield Sent(fields["event"], json.loads(fields["data"]), int(fields["id"]))
            if not line:
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value


async def test_progress_comes_while_it_is_made_to_every_listener(
    quiet_api: httpx.AsyncClient, signer: Signer, quiet_settings: ReportsSettings
):
    headers = signer.headers(new_id())
    location = (await ask(quiet_api, headers, "user_activity", "pdf")).headers["location"]

    listening = [asyncio.Event() for _ in range(3)]

    async def listen(begun: asyncio.Event) -> list[Sent]:
        heard: list[Sent] = []
        async for sent in stream(quiet_api, location, headers):
            heard.append(sent)
            begun.set()
        return heard

    listeners = [asyncio.create_task(listen(begun)) for begun in listening]
    async with asyncio.timeout(PATIENCE_SECONDS):
        for begun in listening:
            await begun.wait()
    async with running_worker(quiet_settings):
        heard = await asyncio.wait_for(asyncio.gather(*listeners), PATIENCE_SECONDS)
    for sent in heard:
        assert [one.event for one in sent] == ["progress"] * (len(sent) - 1) + ["done"]
        ids = [one.id for one in sent]
        assert ids == sorted(set(ids))
        percents = [one.data["progress"] for one in sent]
        assert percents == sorted(percents)
        assert (percents[0], percents[-1]) == (0, 100)
        # Steps that follow each other at once are told as one, so which of them is heard is not said.
        assert any(0 < percent < 100 for percent in percents)
        assert sent[-1].data["status"] == "succeeded"


@pytest.mark.usefixtures("worker_process")
async def test_a_finished_report_gives_its_last_event_at_once_and_resumes(api: httpx.AsyncClient, signer: Signer):
    headers = signer.headers(new_id())
    location = (await ask(api, headers, "user_activity", "csv")).headers["location"]
    await finished(api, location, headers)
    only = [sent async for sent in stream(api, location, headers)]
    assert [sent.event for sent in only] == ["done"]
    for last in ("999999999999", "nonsense", "-1"):
        resumed = [sent async for sent in stream(api, location, {**headers, "Last-Event-ID": last})]
        assert resumed == only
    missed = [sent async for sent in stream(api, location, {**headers, "Last-Event-ID": "0"})]
    assert [sent.id for sent in missed] == list(range(1, only[0].id + 1))
    assert (missed[0].data["status"], missed[-1]) == ("running", only[0])


async def test_a_stream_resumes_after_the_event_it_was_cut_at(
    quiet_api: httpx.AsyncClient, signer: Signer, quiet_settings: ReportsSettings
):
    headers = signer.headers(new_id())
    location = (await ask(quiet_api, headers, "user_activity", "csv")).headers["location"]
    async with aclosing(stream(quiet_api, location, headers)) as cut:
        first = await anext(cut)
    assert (first.event, first.data["progress"]) == ("progress", 0)
    async with aclosing(stream(quiet_api, location, {**headers, "Last-Event-ID": str(first.id)})) as resumed:
        again = asyncio.create_task(anext(resumed))
        await asyncio.sleep(0.5)
        assert not again.done(), "what was seen is not sent again"
        async with running_worker(quiet_settings):
            following = await asyncio.wait_for(again, PATIENCE_SECONDS)
    assert following.id > first.id


async def test_a_deleted_report_ends_its_stream_as_cancelled(quiet_api: httpx.AsyncClient, signer: Signer):
    headers = signer.headers(new_id())
    location = (await ask(quiet_api, headers, "user_activity", "csv")).headers["location"]
    events_of = stream(quiet_api, location, headers)
    await anext(events_of)
    assert (await quiet_api.delete(location, headers=headers)).status_code == 204
    last = [sent async for sent in events_of][-1]
    assert (last.event, last.data["status"]) == ("failed", "cancelled")


async def test_a_silent_stream_still_beats(
    quiet_api: httpx.AsyncClient, signer: Signer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 0.1)
    headers = signer.headers(new_id())
    location = (await ask(quiet_api, headers, "user_activity", "csv")).headers["location"]
    async with quiet_api.stream("GET", f"{location}/events", headers=headers) as answer:
        lines = answer.aiter_lines()
        beats = 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            while beats < 3:
                beats += (await anext(lines)).startswith(":")


async def test_a_client_that_hangs_up_leaves_nothing_behind(
    quiet_api: httpx.AsyncClient,
    quiet_database: asyncpg.Connection,
    signer: Signer,
    quiet_settings: ReportsSettings,
):
    from redis.asyncio import Redis  # noqa: PLC0415 - only here

    headers = signer.headers(new_id())
    report = (await ask(quiet_api, headers, "user_activity", "csv")).json()
    job_id = await quiet_database.fetchval("SELECT job_id FROM reports WHERE id = $1", report["id"])
    redis = Redis.from_url(quiet_settings.redis.url.get_secret_value())

    async def channels() -> int:
        # This job's alone: channels are the whole server's, whatever database a run of tests has.
        return len(await redis.pubsub_channels(f"jobs:reports:*{job_id}*"))

    streams = [stream(quiet_api, f"/api/v1/reports/{report['id']}", headers) for _ in range(15)]
    for one in streams:
        await anext(one)
    assert await channels() == 1
    # More than the pool has connections: a stream holds none while it waits.
    assert (await quiet_api.get(f"/api/v1/reports/{report['id']}", headers=headers)).status_code == 200
    for one in streams:
        await one.aclose()

    async def none_left() -> bool:
        return await channels() == 0

    await eventually(none_left)
    await redis.aclose()


async def test_a_server_that_drains_ends_its_streams(
    quiet_settings: ReportsSettings, signer: Signer, quiet_api: httpx.AsyncClient
):
    headers = signer.headers(new_id())
    location = (await ask(quiet_api, headers, "user_activity", "csv")).headers["location"]
    app = main.create_application(quiet_settings, signer)
    async with running(app) as other:
        listening = stream(other, location, headers)
        await anext(listening)
        app.state.draining.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            rest = [sent async for sent in listening]
    assert rest == [], "it did not end, so no last event: the client comes back"
