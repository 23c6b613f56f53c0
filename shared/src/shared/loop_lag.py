"""How late the event loop is: whatever blocks it delays every request, heartbeat and lease of the process."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from prometheus_client import Histogram

EVERY_SECONDS = 0.025

LAG = Histogram(
    "event_loop_lag_seconds",
    "How late the loop ran what was due, looked at 40 times a second.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)


@asynccontextmanager
async def loop_lag_measured() -> AsyncGenerator[None]:
    """Measure until the end of the block; costs the loop about one part in five thousand."""
    loop = asyncio.get_running_loop()
    due = loop.time() + EVERY_SECONDS

    def look() -> None:
        nonlocal due, handle
        now = loop.time()
        LAG.observe(max(0.0, now - due))
        due = now + EVERY_SECONDS
        handle = loop.call_at(due, look)

    handle = loop.call_at(due, look)
    try:
        yield
    finally:
        handle.cancel()
