"""``python -m shared.jobs list|show|cancel|retry``: a service's jobs, for people on call.

Reads ``DATABASE_URL`` (or ``DATABASE_URL_FILE``), whose role says which service's they are.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from shared.jobs import JobStatus, on_call
from shared.postgres import Connection
from shared.postgres.database import UNAVAILABLE
from shared.settings import PostgresSettings, wrong_settings_in_words

CONNECT_SECONDS = 15
_MOST = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 when the job is not there or not in the state for it, 2 when Postgres is not."""
    chosen = _parser().parse_args(arguments)
    with wrong_settings_in_words("jobs"):
        settings = PostgresSettings()  # pyright: ignore[reportCallIssue] - from the environment
    return asyncio.run(_run(chosen, settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.jobs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="the newest first")
    listing.add_argument("--status", type=JobStatus, choices=list(JobStatus), metavar="|".join(JobStatus))
    listing.add_argument("--type", help="a job type, such as reports.render")
    listing.add_argument("--limit", type=_limit, default=50)
    for name, text in (
        ("show", "all of a job, with its steps"),
        ("cancel", "ask for the end of one that waits or runs"),
        ("retry", "put one that failed or was cancelled back into the queue"),
    ):
        commands.add_parser(name, help=text).add_argument("id", type=UUID)
    return parser


def _limit(text: str) -> int:
    limit = int(text)
    if not 1 <= limit <= _MOST:
        raise argparse.ArgumentTypeError(f"from 1 to {_MOST}")
    return limit


async def _run(chosen: argparse.Namespace, settings: PostgresSettings) -> int:
    connection: asyncpg.Connection[asyncpg.Record] | None = None
    try:
        connection = await asyncpg.connect(settings.url.get_secret_value(), timeout=CONNECT_SECONDS)
        return await _command(connection, chosen)
    except asyncpg.UndefinedTableError:
        print("there are no jobs: the service never ran on this database", file=sys.stderr)
    except ValueError as error:
        print(f"DATABASE_URL: {error}", file=sys.stderr)
    except (*UNAVAILABLE, asyncpg.PostgresError) as error:
        print(f"Postgres does not answer at DATABASE_URL: {type(error).__name__}", file=sys.stderr)
    finally:
        if connection is not None:
            await connection.close()
    return 2


async def _command(connection: Connection, chosen: argparse.Namespace) -> int:
    match chosen.command:
        case "list":
            return await _list(connection, chosen)
        case "show":
            return await _show(connection, chosen.id)
        case "cancel":
            done, answer = await on_call.ask_for_end(connection, chosen.id), "asked for the end of"
        case _:
            try:
                done, answer = await on_call.retry(connection, chosen.id), "queued again:"
            except asyncpg.UniqueViolationError:
                print(f"another job with the key of {chosen.id} waits or runs", file=sys.stderr)
                return 1
    if done:
        print(f"{answer} {chosen.id}")
        return 0
    right = "waits or runs" if chosen.command == "cancel" else "failed or was cancelled"
    print(f"there is no job {chosen.id} that {right}", file=sys.stderr)
    return 1


async def _list(connection: Connection, chosen: argparse.Namespace) -> int:
    rows = await on_call.list_jobs(connection, status=chosen.status, job_type=chosen.type, limit=chosen.limit)
    for row in rows:
        text = row["error"] or row["message"]
        print(
            f"{row['id']}  {row['created_at']:%Y-%m-%d %H:%M:%S}  {row['status']:9}  {row['percent']:3} %"
            f"  attempt {row['attempt']}  {row['type']}  {text}".rstrip()
        )
    print(f"{len(rows)} jobs")
    return 0


async def _show(connection: Connection, job_id: UUID) -> int:
    found = await on_call.show_job(connection, job_id)
    if found is None:
        print(f"there is no job {job_id}", file=sys.stderr)
        return 1
    row, steps = found
    for name, value in row.items():
        print(f"{name:16} {'' if value is None else value}".rstrip())
    for step in steps:
        state = f"{step['sequence']:4}  {step['status']:9}  {step['percent']:3} %"
        print(f"  {step['at']:%H:%M:%S.%f}  {state}  {step['message']}".rstrip())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
