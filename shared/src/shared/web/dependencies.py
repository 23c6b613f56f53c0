"""What an endpoint asks for by type: the resources of the process, a transaction, a read that may be stale."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request

from shared.postgres import Connection
from shared.web.resources import Resources


def get_resources(request: Request) -> Resources:
    """The resources of the process."""
    return request.app.state.resources


async def _transaction(request: Request) -> AsyncIterator[Connection]:
    async with get_resources(request).database.transaction() as connection:
        yield connection


# scope="function": the commit comes before the answer, so an answer never promises what is not stored.
Transaction = Annotated[Connection, Depends(_transaction, scope="function")]
"""One transaction a request: commits before the answer is sent, rolls back on any exception."""


async def _stale_read(request: Request) -> AsyncIterator[Connection]:
    async with get_resources(request).replica.reading() as connection:
        yield connection


StaleRead = Annotated[Connection, Depends(_stale_read, scope="function")]
"""One read-only transaction a request, on a replica where there is one: for what shows nobody their own writes."""
