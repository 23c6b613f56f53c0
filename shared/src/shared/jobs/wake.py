"""Hears that there is a job: a message wakes one worker, which then looks into the table.

The message is only a hint: the row holds the job, workers also look each second, and a hint nobody
took for a minute is dropped by the broker.
"""

from collections.abc import Callable

from aio_pika.abc import AbstractIncomingMessage

from shared.jobs.queue import wake_queue
from shared.messaging.bus import Bus
from shared.messaging.intake import OneByOne
from shared.messaging.keeper import Keeper
from shared.messaging.topology import declare_queue

_ARGUMENTS = {"x-queue-type": "quorum", "x-message-ttl": 60_000, "x-max-length": 10_000}


def wake_keeper(bus: Bus, service: str, wake: Callable[[], None]) -> Keeper:
    """Make what calls ``wake`` for each message; its ``run`` goes on until cancelled."""

    async def prepare() -> None:
        await declare_queue(bus, wake_queue(service), _ARGUMENTS)

    async def receive(message: AbstractIncomingMessage) -> None:
        wake()
        await message.ack()

    return Keeper(bus, wake_queue(service), prepare=prepare, intake=OneByOne(receive, prefetch=20))
