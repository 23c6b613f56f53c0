"""A private system to break: two of each service and worker, two gateway workers, every connection through a proxy."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psutil

from chaos.links import Links
from chaos.receiving import ADDRESS, OwnAuthority
from local_stack import embedded, lifecycle, orphans
from local_stack.daemon import RUNNING_LOCK
from local_stack.ports import free_port, is_free
from local_stack.program import HttpProbe, Program
from local_stack.services import SERVICES
from local_stack.state import REPOSITORY, State
from local_stack.supervisor import Supervisor
from local_stack.system import signing_key, system_plan

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

SERVERS = ("postgres", "redis", "rabbitmq")
_BY_URL = {"DATABASE_URL": "postgres", "REDIS_URL": "redis", "AMQP_URL": "rabbitmq", "JWKS_URL": "users"}
_READY_SECONDS = 240.0
_ROUTES = REPOSITORY / "gateway" / "src" / "gateway" / "routes.toml"


@dataclass(frozen=True)
class Ground:
    """What runs, and how it is reached without a proxy between."""

    state: State
    supervisor: Supervisor
    links: Links
    servers: embedded.Servers
    gateway: str
    authority: OwnAuthority
    """Of whoever receives webhooks; the system is told to trust it."""

    def process(self, name: str) -> psutil.Process | None:
        """The process that runs under this name now."""
        pid = next((program["pid"] for program in self.supervisor.status() if program["name"] == name), None)
        try:
            return psutil.Process(pid) if pid else None
        except psutil.NoSuchProcess:
            return None

    def not_ready(self) -> dict[str, str]:
        """What is not ready, and why."""
        return {p["name"]: p["problem"] for p in self.supervisor.status() if not p["ready"]}

    def restarts(self) -> dict[str, int]:
        """How often each process was started again after it had died."""
        return {p["name"]: p["restarts"] for p in self.supervisor.status()}

    async def until_ready(self, seconds: float = _READY_SECONDS) -> None:
        """Wait until everything is ready. Raises TimeoutError that names what is not."""
        deadline = time.monotonic() + seconds
        while late := self.not_ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not ready after {seconds:.0f} s: {late}")
            await asyncio.sleep(0.1)


@asynccontextmanager
async def standing(state: State) -> AsyncGenerator[Ground]:
    """Bring a fresh system up, and down again."""
    authority = OwnAuthority(state.folder("receivers"))
    environment = _environment() | {"WEBHOOKS_ALLOW": f"{ADDRESS}/32", "WEBHOOKS_CA_FILE": str(authority.file)}
    with state.lock(RUNNING_LOCK, seconds=1):
        orphans.end(state)
        await asyncio.to_thread(embedded.prepare, state, environment, print)
        signing_key(state)
        links = Links()
        supervisor = Supervisor(await _programs(state, environment, links), state)
        gateway = f"http://127.0.0.1:{environment['GATEWAY_PORT']}"
        ground = Ground(state, supervisor, links, embedded.servers(state, environment), gateway, authority)
        supervisor.start()
        try:
            await ground.until_ready()
            yield ground
        finally:
            await supervisor.stop()
            await links.close()


def clean(state: State) -> None:
    """Remove what an earlier run left, its processes too."""
    if state.root.exists():
        lifecycle.clean(state)


def _environment() -> dict[str, str]:
    dropped = {"DATABASE_URL", "REDIS_URL", "AMQP_URL", "GATEWAY_URL", "GATEHOUSE_STATE", "HTTP_HOST", "ENVIRONMENT"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    names = ("GATEWAY_PORT", "USERS_PORT", "ORDERS_PORT", "REPORTS_PORT", "TRACES_PORT", "MAIL_PORT")
    # The limits are not what is tried here, and every trace would cost the time of the load.
    settings = {"LIMITS_SCALE": "10000", "WORKERS": "2", "TRACES_SAMPLE_RATIO": "0", "MODE": "local"}
    return kept | settings | dict(zip(names, map(str, _port_pairs(len(names))), strict=True))


def _port_pairs(count: int) -> list[int]:
    """Ports of which each, and the next, is free."""
    found: list[int] = []
    while len(found) < count:
        port = free_port() & ~1
        if port not in found and is_free(port) and is_free(port + 1):
            found.append(port)
    return found


async def _programs(state: State, environment: Mapping[str, str], links: Links) -> list[Program]:
    table: list[Program] = []
    for program in system_plan(state, environment):
        doubled = program.name.removesuffix("-worker") in SERVICES
        for name, port in ((program.name, program.port), (f"{program.name}-2", free_port()))[: 1 + doubled]:
            one = replace(program, name=name)
            if doubled and port is not None:
                own = dict(program.environment) | {"HTTP_PORT": str(port)}
                one = replace(one, environment=own, port=port, probe=HttpProbe(port))
            if doubled or name == "gateway":
                one = replace(one, environment=await _led(one, table, state, links))
            table.append(one)
    return table


async def _led(program: Program, table: list[Program], state: State, links: Links) -> dict[str, str]:
    """The environment of a process with every URL through a proxy."""
    led = dict(program.environment)
    if program.name == "gateway":
        for other in table:
            if other.name.removesuffix("-2") in SERVICES:
                variable = f"{other.name.replace('-', '_').upper()}_URL"
                led[variable] = await links.through("gateway", other.name, f"http://127.0.0.1:{other.port}")
        led["GATEWAY_ROUTES"] = str(_routes_to_two(state))
    for variable, target in _BY_URL.items():
        # Only workers speak to the broker, and the gateway has no database.
        spoken = {"AMQP_URL": "worker" in program.name, "DATABASE_URL": program.name != "gateway"}
        if variable in led and spoken.get(variable, True):
            led[variable] = await links.through(program.name, target, led[variable])
    return led


def _routes_to_two(state: State) -> str:
    """The shipped routes, with two targets for each service."""
    lines: list[str] = []
    for line in _ROUTES.read_text().splitlines():
        service = next((name for name in SERVICES if line.startswith(f'url = "${{{name.upper()}_URL')), None)
        if service is not None:
            variables = (f"{service.upper()}_URL", f"{service.upper()}_2_URL")
            lines.append("targets = [" + ", ".join(f'{{ url = "${{{variable}}}" }}' for variable in variables) + "]")
        else:
            lines.append(line)
    path = state.root / "routes.toml"
    path.write_text("\n".join(lines) + "\n")
    return str(path)
