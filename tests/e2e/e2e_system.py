"""A whole system for the tests: started, looked at, broken, taken down."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from local_stack.services import SERVICES

T = TypeVar("T")


def eventually(look: Callable[[], T | None], *, seconds: float = 30, what: str) -> T:
    """What ``look`` finds, asked again until it finds something; AssertionError when it never does."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Ports of which each, and the next, is free."""
    found: list[int] = []
    port = 21000 + secrets.randbelow(8000)
    while len(found) < count:
        try:
            for candidate in (port, port + 1):
                with socket.create_server(("127.0.0.1", candidate)):
                    pass
            found.append(port)
        except OSError:
            pass
        port += 2
    return found


@dataclass(frozen=True)
class System:
    """A running system. ``state`` is None when somebody else runs it: then nothing may be broken."""

    gateway: str
    traces: str
    state: Path | None
    environment: dict[str, str]

    def client(self, token: str | None = None, **options: Any) -> httpx.Client:
        """A client of the gateway, signed in when a token is given."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.gateway, headers=headers, timeout=30, trust_env=False, **options)

    def run(self, *arguments: str) -> str:
        """Call the local runner for this system."""
        done = subprocess.run(
            [sys.executable, "-m", "local_stack", *arguments, "--state", str(self.state)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def pid(self, process: str) -> int:
        """The process id that the supervisor runs under this name now."""
        assert self.state is not None
        return int(json.loads((self.state / "processes.json").read_text())[process]["pid"])

    def kill(self, process: str) -> None:
        """Kill -9, and return when it is gone."""
        pid = self.pid(process)
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)

    def until_ready(self, *, seconds: float = 60) -> None:
        """Wait until every process is ready."""

        def ready() -> bool:
            programs = json.loads(self.run("status", "--json"))
            return all(program["ready"] for program in programs)

        eventually(ready, seconds=seconds, what="every process ready")


@contextmanager
def started(repository: Path, name: str, **settings: str) -> Iterator[System]:
    """A system of the test's own, on free ports, with further ``settings``; its data is removed at the end."""
    gateway, traces, mail, *others = free_ports(3 + len(SERVICES))
    state = repository / ".state" / name
    ports = {"GATEWAY_PORT": gateway, "TRACES_PORT": traces, "MAIL_PORT": mail}
    ports |= {f"{service.upper()}_PORT": port for service, port in zip(SERVICES, others, strict=True)}
    environment = {**os.environ, "MODE": "local", **{key: str(port) for key, port in ports.items()}}
    for variable in ("DATABASE_URL", "REDIS_URL", "AMQP_URL", "GATEWAY_URL", "ENVIRONMENT", "GATEHOUSE_STATE"):
        environment.pop(variable, None)
    environment |= settings
    system = System(f"http://127.0.0.1:{gateway}", f"http://127.0.0.1:{traces}", state, environment)
    system.run("clean")
    try:
        system.run("up")
        yield system
    except BaseException:
        keep = state.with_name(f"{name}-failed-logs")
        subprocess.run(["cp", "-r", "--", str(state / "logs"), str(keep)], check=False)
        raise
    finally:
        system.run("clean")


@dataclass(frozen=True)
class Person:
    """Somebody registered and signed in."""

    id: int
    email: str
    password: str
    token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        """The Authorization header."""
        return {"Authorization": f"Bearer {self.token}"}


def sign_in(client: httpx.Client, email: str, password: str) -> dict[str, Any]:
    """Log in; the token answer."""
    answer = client.post("/api/v1/auth/login", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    return answer.json()


def register(client: httpx.Client, name: str = "Ada Lovelace") -> Person:
    """Register somebody new and sign in."""
    email, password = f"{secrets.token_hex(8)}@example.com", "Correct1Horse"
    answer = client.post("/api/v1/users", json={"name": name, "email": email, "password": password})
    assert answer.status_code == 201, answer.text
    tokens = sign_in(client, email, password)
    return Person(answer.json()["id"], email, password, tokens["access_token"], tokens["refresh_token"])


def admin(client: httpx.Client) -> Person:
    """The seeded admin, signed in."""
    tokens = sign_in(client, "admin@example.com", "Admin12345")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    me = client.get("/api/v1/users/me", headers=headers).json()
    return Person(me["id"], me["email"], "Admin12345", tokens["access_token"], tokens["refresh_token"])


def new_product(client: httpx.Client, who: Person, *, stock: int = 1000, price: str = "9.99") -> dict[str, Any]:
    """A product of the test's own."""
    body = {"sku": f"T-{secrets.token_hex(6).upper()}", "name": "Test kettle", "price": price, "stock": stock}
    answer = client.post("/api/v1/products", json=body, headers=who.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def place_order(client: httpx.Client, who: Person, product_id: int, quantity: int = 1) -> dict[str, Any]:
    """An order of one product."""
    body = {"items": [{"product_id": product_id, "quantity": quantity}]}
    answer = client.post("/api/v1/orders", json=body, headers=who.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def finished_report(client: httpx.Client, who: Person, kind: str, form: str, *, seconds: float = 60) -> dict[str, Any]:
    """Ask for a report and wait until it is finished, whichever way."""
    asked = client.post("/api/v1/reports", json={"type": kind, "format": form, "params": {}}, headers=who.headers)
    assert asked.status_code == 202, asked.text
    path = f"/api/v1/reports/{asked.json()['id']}"

    def done() -> dict[str, Any] | None:
        report = client.get(path, headers=who.headers).json()
        return report if report["status"] in ("succeeded", "failed", "cancelled") else None

    return eventually(done, seconds=seconds, what=f"{kind} as {form} finished")
