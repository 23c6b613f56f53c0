"""The worker process of a service: its relay, its consumers and its jobs, beside health and metrics."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI
from opentelemetry.instrumentation.utils import suppress_instrumentation

from shared.clean_ups import STANDARD, CleanUp, clean_up_job, clean_up_schedules
from shared.jobs.types import JobType
from shared.jobs.wake import wake_keeper
from shared.jobs.worker import JobWorker
from shared.messaging import Bus, Consumer, Relay, Subscription
from shared.messaging.cancellation import raise_if_cancelled
from shared.messaging.parking import observe_parked
from shared.schedules import Schedule, Scheduler, check_types
from shared.settings import ServiceSettings
from shared.web import Resources, create_app

log = structlog.stdlib.get_logger(__name__)

OBSERVE_SECONDS = 15.0


class Worker:
    """What runs in the background of a worker process."""

    def __init__(
        self,
        service: str,
        held: Resources,
        bus: Bus,
        *,
        subscriptions: Sequence[Subscription],
        job_types: Sequence[JobType[Any]],
        schedules: Sequence[Schedule],
        resources: Any,
    ) -> None:
        self._held = held
        self._bus = bus
        self._subscriptions = subscriptions
        self._relay = Relay(held.database, bus)
        self.consumers = [Consumer(bus, held.database, subscription) for subscription in subscriptions]
        self._jobs = JobWorker(service, held.database, held.redis, job_types, resources=resources)
        self._wake = wake_keeper(bus, service, self._jobs.wake)
        self._scheduler = Scheduler(held.database, schedules)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run all of it; at the end stop what takes work, then drain, then stop what publishes."""
        intake = [asyncio.create_task(consumer.run()) for consumer in self.consumers]
        intake += [asyncio.create_task(work) for work in (self._scheduler.run(), self._wake.run(), self._jobs.run())]
        background = [
            asyncio.create_task(self._relay.run()),
            asyncio.create_task(self._observe()),
        ]
        try:
            yield
        finally:
            await _end(intake)
            await self._jobs.drain(self._held.settings.http.drain_seconds)
            await _end(background)

    async def _observe(self) -> None:
        while True:
            raise_if_cancelled()
            await asyncio.sleep(OBSERVE_SECONDS)
            try:
                with suppress_instrumentation():
                    await observe_parked(self._bus, [subscription.queue for subscription in self._subscriptions])
                    await self._jobs.observe()
            except Exception:
                log.exception("worker_not_observed")


def create_worker(
    service: str,
    settings: ServiceSettings,
    *,
    version: str,
    migrations: Sequence[Path],
    subscriptions: Sequence[Subscription] = (),
    job_types: Sequence[JobType[Any]] = (),
    schedules: Sequence[Schedule] = (),
    clean_ups: Sequence[CleanUp] = (),
    resources: Any = None,
    at_start: Callable[[Resources], Awaitable[None]] | None = None,
    beside: Callable[[Resources], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """Make the application of a service's worker process; ``serve`` runs it.

    ``resources`` is what handlers of jobs find as ``context.resources``. ``at_start`` runs once the
    schema is there and before anything is taken in: demo data are seeded by it. ``schedules`` queue
    jobs of these types by the clock, unless the settings turn that off; ``clean_ups`` are done beside those
    that every service has.
    ``beside`` is what else runs for as long as consumers and jobs do. The process is ready when
    Postgres, Redis and RabbitMQ answer and each subscription is consumed. Raises ValueError for a
    schedule of a job type that is not there.
    """
    own_clean_ups = [*STANDARD, *clean_ups]
    job_types = [*job_types, clean_up_job(own_clean_ups)]
    schedules = [*schedules, *clean_up_schedules(own_clean_ups)]
    check_types(schedules, {job_type.name for job_type in job_types})
    bus = Bus(settings.rabbit, name=f"{service}-worker")
    consumers: list[Consumer] = []

    @asynccontextmanager
    async def lifespan(held: Resources) -> AsyncGenerator[None]:
        worker = Worker(
            service,
            held,
            bus,
            subscriptions=subscriptions,
            job_types=job_types,
            schedules=schedules if settings.schedules.of_code else (),
            resources=resources,
        )
        consumers.extend(worker.consumers)
        if at_start is not None:
            await at_start(held)
        async with bus, beside(held) if beside else nullcontext(), worker.running():
            yield
        consumers.clear()

    async def rabbitmq(_: Resources) -> bool:
        return bus.healthy()

    async def subscribed(_: Resources) -> bool:
        return all(consumer.subscribed for consumer in consumers)

    return create_app(
        service,
        settings,
        version=version,
        migrations=migrations,
        lifespan=lifespan,
        checks={"rabbitmq": rabbitmq, "consumers": subscribed},
        role="worker",
    )


async def _end(tasks: "Sequence[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
