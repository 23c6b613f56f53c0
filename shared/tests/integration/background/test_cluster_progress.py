"""Progress on a Redis Cluster: a watcher is told at once, whichever node it listens to, and without one by the row."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from shared.jobs import JobContext, JobStatus, watch_progress
from shared.jobs import progress as progress_module
from shared.postgres import Database
from shared.redis_client import create_redis
from shared.settings import RedisSettings
from shared.testing.redis_cluster import RedisCluster, running_cluster
from shared.testing.waiting import PATIENCE_SECONDS

from .job_fixtures import Run, Sum, job_type, submit

PERCENTS = [20, 40, 60, 80]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest_asyncio.fixture
async def redis(cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Redis]:
    """In the place of the one server, for the worker and for who watches."""
    monkeypatch.setenv("REDIS_URL", cluster.url)
    # A step that is not told in time is one that the row tells.
    monkeypatch.setenv("REDIS_TIMEOUT_SECONDS", f"{PATIENCE_SECONDS}")
    client = create_redis(RedisSettings())  # pyright: ignore[reportCallIssue] - from the environment
    yield client
    await client.aclose()


async def watched(redis: Redis, database: Database, run_worker: Run) -> list[int]:
    """The percents that a watcher is told of one job, which takes each step when the last was seen."""
    job_id, seen = await submit(database, "sum"), asyncio.Semaphore(0)

    async def stepwise(context: JobContext, _payload: Sum) -> None:
        for percent in PERCENTS:
            await context.progress(percent, f"{percent} done")
            await seen.acquire()

    updates = watch_progress(redis, database, job_id)
    assert (await anext(updates)).status is JobStatus.QUEUED
    run_worker(job_type(stepwise))
    percents: list[int] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for update in updates:
            if update.message and update.percent not in percents:
                percents.append(update.percent)
                seen.release()
    return percents


async def test_each_step_is_told_by_the_cluster_alone(
    database: Database, redis: Redis, run_worker: Run, monkeypatch: pytest.MonkeyPatch
):
    # Nobody looks at the row before the patience of the test is over.
    monkeypatch.setattr(progress_module, "LOOK_SECONDS", 4 * PATIENCE_SECONDS)
    for _ in range(2):
        assert await watched(redis, database, run_worker) == PERCENTS


async def test_without_a_node_the_row_tells(cluster: RedisCluster, database: Database, redis: Redis, run_worker: Run):
    await redis.ping()
    cluster.nodes[1].kill()
    assert await watched(redis, database, run_worker) == PERCENTS
