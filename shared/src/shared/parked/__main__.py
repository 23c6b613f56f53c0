"""``python -m shared.parked list QUEUE...`` and ``show|replay|drop QUEUE [ID...]``: messages that could not be handled.

Reads ``AMQP_URL``. QUEUE is a subscription's, such as ``reports.read-model``. ``show``, ``replay`` and ``drop`` take
events' ids, a filter, or ``--all``. What is replayed or dropped is told on standard error, a JSON line each, with
who did it. The status is 0 when it is done, 1 when nothing is so named, 2 when the broker is away.
"""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import structlog
from aio_pika.exceptions import ChannelNotFoundEntity

from shared.messaging.bus import CONNECTION_ERRORS, Bus, PublishFailed, Unroutable
from shared.messaging.parking import ParkedMessage, drop, read_parked, replay
from shared.parked.selection import Selection
from shared.parked.telling import as_record, as_table, audit_line, who
from shared.settings import RabbitSettings, wrong_settings_in_words

CONNECT_SECONDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m shared.parked", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["list", "show", "replay", "drop"])
    parser.add_argument("queue", help="a subscription's queue")
    parser.add_argument("more", nargs="*", metavar="ID", help="events' ids; for list: more queues")
    parser.add_argument("--all", action="store_true", help="every message of the queue")
    parser.add_argument("--type", help="of this type only")
    parser.add_argument("--subject", help="of subjects that contain this, such as orders/42")
    parser.add_argument("--reason", help="of reasons that contain this")
    parser.add_argument("--limit", type=int, default=0, help="at most so many")
    parser.add_argument("--dry-run", action="store_true", help="tell what would be replayed or dropped, and do nothing")
    parser.add_argument("--json", action="store_true", help="JSON, for programs")
    parser.add_argument("--by", default=who(), help="who does it, for the audit line (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    listing = chosen.command == "list"
    chosen.selection = Selection(() if listing else chosen.more, chosen.type, chosen.subject, chosen.reason)
    if not (listing or chosen.all or chosen.selection.says_something):
        parser.error(f"{chosen.command} needs an event's id, a filter or --all")
    # What the bus says of itself is for nobody's pipe.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    with wrong_settings_in_words("parked"):
        settings = RabbitSettings()  # pyright: ignore[reportCallIssue] - from the environment
    return asyncio.run(_run(settings, chosen))


async def _run(settings: RabbitSettings, chosen: argparse.Namespace) -> int:
    async with Bus(settings, name="parked") as bus:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await bus.connected()
        except TimeoutError:
            print("RabbitMQ does not answer at AMQP_URL", file=sys.stderr)
            return 2
        found: list[dict[str, Any]] = []
        for queue in [chosen.queue, *(chosen.more if chosen.command == "list" else ())]:
            try:
                found += await _each(bus, queue, chosen)
            except ChannelNotFoundEntity:
                print(f"there is no queue {queue}.parked", file=sys.stderr)
                return 1
            except Unroutable:
                print(f"there is no queue {queue} to replay to: the message stays parked", file=sys.stderr)
                return 1
            except (*CONNECTION_ERRORS, PublishFailed) as error:
                told = f"{type(error).__name__}: {error}"
                print(f"the broker went away, what was not told of stays parked ({told})", file=sys.stderr)
                return 2
    _tell(found, chosen)
    return 0 if found or chosen.command == "list" else 1


async def _each(bus: Bus, queue: str, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with aclosing(read_parked(bus, queue)) as messages:
        async for parked in messages:
            if chosen.limit and len(found) >= chosen.limit:
                break
            if chosen.selection.matches(parked):
                await _apply(bus, queue, parked, chosen)
                found.append(as_record(queue, parked, whole=chosen.command == "show"))
    return found


async def _apply(bus: Bus, queue: str, parked: ParkedMessage, chosen: argparse.Namespace) -> None:
    if chosen.dry_run or chosen.command not in {"replay", "drop"}:
        return
    # The line comes after the deed: one that is told of is done.
    record = as_record(queue, parked, whole=chosen.command == "drop")
    if chosen.command == "replay":
        await replay(bus, queue, parked, by=chosen.by)
    else:
        await drop(parked)
    print(audit_line({"replay": "replayed", "drop": "dropped"}[chosen.command], record, chosen.by), file=sys.stderr)


def _tell(found: list[dict[str, Any]], chosen: argparse.Namespace) -> None:
    if chosen.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    if table := as_table(found):
        print(table)
    if chosen.command == "show":
        for record in found:
            print(record["body"], record["stack"], sep="\n")
    done = {"list": "parked", "show": "shown", "replay": "replayed", "drop": "dropped"}[chosen.command]
    if chosen.dry_run and chosen.command in {"replay", "drop"}:
        done = f"would be {done}"
    where = ", ".join([chosen.queue, *(chosen.more if chosen.command == "list" else ())])
    print(f"{len(found)} {done} in {where}")


if __name__ == "__main__":
    raise SystemExit(main())
