"""Waits for what happens soon, and not for a time in which it should have."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

PATIENCE_SECONDS = 240.0
"""Bounds what would hang for ever and claims nothing: a machine may be ten times slower, a failure may take long."""

_TRUE: Any = object()


async def eventually(
    look: Callable[[], Any | Awaitable[Any]], expected: Any = _TRUE, *, seconds: float = PATIENCE_SECONDS
) -> Any:
    """Wait until ``look`` gives what is expected, or anything true; what it gave."""
    found: Any = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = look()
                if inspect.isawaitable(found):
                    found = await found
                if (found == expected) if expected is not _TRUE else found:
                    return found
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"after {seconds} s still {found!r}") from None
