"""The two clients, used as if they were one that blocks."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from gatehouse_client import AsyncGatehouse, Gatehouse, Manners
from shared.testing.waiting import PATIENCE_SECONDS

PATIENT: dict[str, Any] = {"timeout": PATIENCE_SECONDS, "idle": PATIENCE_SECONDS, "deadline": PATIENCE_SECONDS}


class Both:
    """One of the two clients, used as if it blocked."""

    def __init__(self, kind: str, url: str) -> None:
        self._kind, self._url = kind, url
        self.options: dict[str, Any] = {}
        self.state: Any = None
        # No spread: a wait is what was asked for, else nothing. Nobody gives up because a machine is slow.
        self.manners: dict[str, Any] = {"spread": lambda _low, _high: 0.0, **PATIENT}

    def run(self, act: Callable[[Any], Any], times: int = 1) -> Any:
        """What ``act`` makes of the client; an awaitable or an asynchronous iterator is brought to its end."""
        options = {"manners": Manners(**self.manners), **self.options}
        if self._kind == "blocking":
            with httpx.Client(trust_env=False) as http, Gatehouse(self._url, http=http, **options) as client:
                self.state = client._caller.state
                for _ in range(times):
                    made = act(client)
                return list(made) if hasattr(made, "__next__") or type(made).__name__ == "Pages" else made
        return asyncio.run(self._run(act, options, times))

    async def _run(self, act: Callable[[Any], Any], options: dict[str, Any], times: int) -> Any:
        async with (
            httpx.AsyncClient(trust_env=False) as http,
            AsyncGatehouse(self._url, http=http, **options) as client,
        ):
            self.state = client._caller.state
            for _ in range(times):
                made = act(client)
                if hasattr(made, "__aiter__"):
                    made = [item async for item in made]
                elif hasattr(made, "__await__"):
                    made = await made
            return made
