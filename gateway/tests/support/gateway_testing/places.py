"""One service at two places, each of which can fall ill, die and come back, behind a gateway of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway_testing.process import GatewayProcess
from gateway_testing.tokens import Issuer
from gateway_testing.upstream import Call, RawUpstream
from gateway_testing.wire import Answer, ask
from shared.testing.waiting import PATIENCE_SECONDS


class Place(RawUpstream):
    """A raw upstream whose health is what the test says, and which comes back at its port."""

    def __init__(self, issuer: Issuer) -> None:
        super().__init__(issuer)
        self.health_status = 200

    def reset(self) -> None:
        super().reset()
        self.health_status = 200

    async def _standing(self, call: Call) -> bool:
        if call.seen.target != "/health/ready":
            return await super()._standing(call)
        await call.answer(self.health_status, b"{}")
        return True

    async def die(self) -> None:
        """Its connections end and its port refuses."""
        await self.stop()
        await self._server.wait_closed()

    async def come_back(self) -> None:
        """At the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)


class Places:
    """The two, and the gateway."""

    def __init__(self, one: Place, two: Place, gateway: GatewayProcess) -> None:
        self.one, self.two, self.gateway = one, two, gateway

    def target(self, place: Place) -> str:
        """Its name in the metrics."""
        return f"127.0.0.1:{place.port}"

    async def get(self, path: str, times: int = 1, method: str = "GET") -> list[Answer]:
        """So many answers, one after the other."""
        return [await ask(self.gateway.port, method, path) for _ in range(times)]

    async def until(self, wanted: Callable[[], Awaitable[bool]], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for it."""
        async with asyncio.timeout(seconds):
            while not await wanted():
                await asyncio.sleep(0.02)


async def started(issuer: Issuer, main_port: int, valkey_port: int) -> Places:
    """Both places and the gateway before them."""
    one, two = Place(issuer), Place(issuer)
    await one.start()
    await two.start()
    gateway = GatewayProcess(
        main_port,
        valkey_port,
        GATEWAY_ROUTES=str(Path(__file__).parents[2] / "integration" / "targets.toml"),
        ONE_URL=f"http://127.0.0.1:{one.port}",
        TWO_URL=f"http://127.0.0.1:{two.port}",
    )
    await asyncio.to_thread(gateway.start)
    await gateway.ready()
    return Places(one, two, gateway)
