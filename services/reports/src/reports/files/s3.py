"""Report files in a bucket of S3, or of what speaks as S3 does: objects named ``<prefix>/<report>/<attempt>.<format>``.

Files are made in a directory of the worker's own, put as one object (in parts when large), and read by ranges, so that
a slow reader holds one piece in memory and no connection.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import S3Store

from reports.domain.report import ReportFormat
from reports.files.store import StoreUnavailable
from reports.files.workshop import Workshop, empty_workshop, remove_older_than
from reports.metrics import STORE_FAILURES
from reports.s3_settings import S3Settings

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

log = structlog.stdlib.get_logger(__name__)

_PIECE = 2 * 1024 * 1024
_ABANDONED = timedelta(hours=1)
_RETRIES = 2


class S3Files:
    """The objects below ``prefix`` of a bucket; ``scratch`` is a directory that only workers need, each its own."""

    def __init__(self, bucket: str, prefix: str, scratch: Path, settings: S3Settings) -> None:
        self._store = _open(bucket, prefix, settings)
        self._scratch = scratch

    async def workshop(self, report_id: int, attempt: int) -> Workshop:
        """An empty directory in the scratch room, which is freed of what killed attempts left there."""
        await asyncio.to_thread(remove_older_than, _ABANDONED, self._scratch)
        return await asyncio.to_thread(empty_workshop, self._scratch, report_id, attempt)

    async def store(self, made: Path, report_id: int, attempt: int, report_format: ReportFormat) -> str:
        """Put a made file; an object is there whole or not at all. Its name below the report's."""
        name = f"{attempt}.{report_format}"
        with _failing("put", missing_too=True):
            attributes = {"Content-Type": report_format.media_type}
            await obstore.put_async(self._store, _key(report_id, name), made, attributes=attributes)
        return name

    async def exists(self, report_id: int, name: str) -> bool:
        """Whether the object is there."""
        try:
            with _failing("head"):
                await obstore.head_async(self._store, _key(report_id, name))
        except FileNotFoundError:
            return False
        return True

    async def read(self, report_id: int, name: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to before ``stop``, a request a piece; FileNotFoundError when the object went."""
        while start < stop:
            end = min(start + _PIECE, stop)
            with _failing("get"):
                piece = await obstore.get_range_async(self._store, _key(report_id, name), start=start, end=end)
            start = end
            yield bytes(piece)

    async def clear_up(self, report_id: int, keep: str | None) -> None:
        """Remove the report's objects, but ``keep``, and what its attempts left on this machine."""
        await asyncio.to_thread(shutil.rmtree, self._scratch / str(report_id), ignore_errors=True)
        kept = keep and _key(report_id, keep)
        with _failing("delete", missing_too=True):
            async for some in obstore.list(self._store, str(report_id)):
                gone = [found["path"] for found in some if found["path"] != kept]
                if gone:
                    await obstore.delete_async(self._store, gone)

    async def older_than(self, age: timedelta) -> list[int]:
        """The reports whose newest object is older than ``age`` by the store's clock."""
        newest: dict[int, datetime] = {}
        with _failing("list", missing_too=True):
            async for some in obstore.list(self._store):
                for found in some:
                    number = found["path"].partition("/")[0]
                    if number.isdecimal() and len(number) <= 18:  # noqa: PLR2004 - digits of a bigint that are always right
                        known = newest.get(int(number), found["last_modified"])
                        newest[int(number)] = max(known, found["last_modified"])
        before = datetime.now(UTC) - age
        return [report_id for report_id, written in newest.items() if written < before]

    async def usable(self) -> bool:
        """True: a store that is away takes the files along and not the service, which answers 503 for them alone."""
        return True


def _key(report_id: int, name: str) -> str:
    return f"{report_id}/{name}"


@contextmanager
def _failing(operation: str, *, missing_too: bool = False) -> Iterator[None]:
    """StoreUnavailable for what the store did not do; a missing bucket looks as a missing object does."""
    try:
        yield
    except (BaseError, OSError) as error:
        if isinstance(error, FileNotFoundError) and not missing_too:
            raise
        STORE_FAILURES.labels(operation).inc()
        # The first line: the others are the client's inside.
        log.warning("report_store_failed", operation=operation, error=str(error).partition("\n")[0])
        raise StoreUnavailable from error


def _open(bucket: str, prefix: str, settings: S3Settings) -> S3Store:
    """A client; without keys it takes the role of the machine or pod, as every client of S3 does."""
    config: S3Config = {"region": settings.region}
    if settings.endpoint_url:
        config["endpoint"] = settings.endpoint_url
    if settings.access_key_id and settings.secret_access_key:
        config["access_key_id"] = settings.access_key_id
        config["secret_access_key"] = settings.secret_access_key.get_secret_value()
    seconds = timedelta(seconds=settings.timeout_seconds)
    client: ClientConfig = {
        "timeout": seconds,
        "connect_timeout": min(seconds, timedelta(seconds=2)),
        "allow_http": True,
    }
    retry: RetryConfig = {"max_retries": _RETRIES, "retry_timeout": seconds}
    return S3Store(bucket, prefix=prefix or None, config=config, client_options=client, retry_config=retry)
