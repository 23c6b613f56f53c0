"""``python -m shared.parked list|show|replay|drop QUEUE [ID]``: messages that could not be handled.

Reads ``AMQP_URL``. QUEUE is a subscription's, such as ``reports.read-model``. ``replay`` and ``drop`` take
an event's id or ``--all``.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from aio_pika.exceptions import ChannelNotFoundEntity

from shared.messaging.bus import Bus
from shared.messaging.parking import ParkedMessage, drop, read_parked, replay
from shared.settings import RabbitSettings

CONNECT_SECONDS = 15


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 when the named message or queue is not there, 2 when the broker is not."""
    parser = argparse.ArgumentParser(prog="python -m shared.parked", description=__doc__)
    parser.add_argument("command", choices=["list", "show", "replay", "drop"])
    parser.add_argument("queue")
    parser.add_argument("id", nargs="?", help="an event's id")
    parser.add_argument("--all", action="store_true", help="every message of the queue")
    chosen = parser.parse_args(arguments)
    if chosen.command != "list" and not (chosen.id or chosen.all):
        parser.error(f"{chosen.command} needs an event's id or --all")
    return asyncio.run(_run(chosen.command, chosen.queue, None if chosen.all else chosen.id))


async def _run(command: str, queue: str, event_id: str | None) -> int:
    async with Bus(RabbitSettings(), name="parked") as bus:  # pyright: ignore[reportCallIssue] - from the environment
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await bus.connected()
        except TimeoutError:
            print("RabbitMQ does not answer at AMQP_URL", file=sys.stderr)
            return 2
        try:
            found = await _each(bus, command, queue, event_id)
        except ChannelNotFoundEntity:
            print(f"there is no queue {queue}.parked", file=sys.stderr)
            return 1
    if command == "list":
        print(f"{found} parked in {queue}")
        return 0
    if not found:
        print(f"no such message parked in {queue}", file=sys.stderr)
        return 1
    return 0


async def _each(bus: Bus, command: str, queue: str, event_id: str | None) -> int:
    found = 0
    async for parked in read_parked(bus, queue):
        if event_id not in {None, parked.event_id}:
            continue
        found += 1
        await _apply(bus, command, queue, parked)
    return found


async def _apply(bus: Bus, command: str, queue: str, parked: ParkedMessage) -> None:
    line = f"{parked.event_id}  {parked.event_type}  {parked.parked_at}  attempts {parked.attempts}  {parked.reason}"
    if command == "replay":
        await replay(bus, queue, parked)
        print(f"replayed {line}")
    elif command == "drop":
        await drop(parked)
        print(f"dropped {line}")
    elif command == "show":
        print(line, parked.message.body.decode(errors="replace"), parked.stack, sep="\n")
    else:
        print(line)


if __name__ == "__main__":
    raise SystemExit(main())
