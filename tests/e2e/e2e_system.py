"""A whole system for the tests: started, looked at, broken, taken down."""

import base64
import fcntl
import itertools
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from local_stack import control
from local_stack.services import SERVICES
from local_stack.state import State

T = TypeVar("T")
_LONG_TEST_SECONDS = 600


def eventually(look: Callable[[], T | None], *, seconds: float = 120, what: str) -> T:
    """What ``look`` finds, asked again until it finds something; AssertionError when it never does."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


def get(url: str) -> httpx.Response:
    """What a process of this machine answers, however busy it is."""
    return httpx.get(url, timeout=60, trust_env=False)


@contextmanager
def free_ports(count: int) -> Iterator[list[int]]:
    """Ports of which each, and the next, is free, and ours alone among the runs of these tests while the block runs.

    They are below those that the kernel gives to connections, so that none of these takes one before it is listened on.
    """
    found: list[int] = []
    with ExitStack() as claims:
        while len(found) < count:
            port = 10_000 + 2 * secrets.randbelow(11_000)
            try:
                # Nobody here listens by UDP: bound, it is a claim that ends with this process, however it ends.
                for candidate in (port, port + 1):
                    claims.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(
                        ("127.0.0.1", candidate)
                    )
                    socket.create_server(("127.0.0.1", candidate)).close()
            except OSError:
                continue
            found.append(port)
        yield found


@contextmanager
def own_folder(states: Path, name: str) -> Iterator[Path]:
    """The first of the state folders ``name``, ``name-2``... that no other run holds; held while the block runs."""
    states.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        folder = states / (name if number == 1 else f"{name}-{number}")
        with folder.with_suffix(".held").open("a") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder
            return


@dataclass(frozen=True)
class System:
    """A running system. ``state`` is None when somebody else runs it: then nothing may be broken."""

    gateway: str
    traces: str
    mail: str
    state: Path | None
    environment: dict[str, str]

    def client(self, token: str | None = None, **options: Any) -> httpx.Client:
        """A client of the gateway, signed in when a token is given."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.gateway, headers=headers, timeout=60, trust_env=False, **options)

    def run(self, *arguments: str) -> str:
        """Call the local runner for this system."""
        done = subprocess.run(
            [sys.executable, "-m", "local_stack", *arguments, "--state", str(self.state)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=400,
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
        killed = psutil.Process(self.pid(process))
        killed.kill()
        psutil.wait_procs([killed], timeout=60)

    @contextmanager
    def frozen(self, process: str) -> Iterator[None]:
        """It lives and does nothing while the block runs."""
        pid = self.pid(process)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def mailed(self, address: str, subject: str) -> str:
        """The text of the mail of this subject to this address, once it has come; Mailpit's API."""

        def arrived() -> str | None:
            for one in get(f"{self.mail}/api/v1/messages").json()["messages"]:
                if one["Subject"] == subject and address in {to["Address"] for to in one["To"]}:
                    return one["ID"]
            return None

        found = eventually(arrived, what=f"the mail {subject!r}")
        return get(f"{self.mail}/api/v1/message/{found}").json()["Text"]

    def status(self) -> list[dict[str, Any]]:
        """Each process by name with its pid, port and whether it is ready, as ``make status`` is told it."""
        assert self.state is not None
        return control.ask(State(self.state), "status")["programs"]

    def until_ready(self, *, seconds: float = 240) -> None:
        """Wait until every process is ready."""

        def ready() -> bool:
            return all(program["ready"] for program in self.status())

        eventually(ready, seconds=seconds, what="every process ready")


@contextmanager
def started(repository: Path, name: str, **settings: str) -> Iterator[System]:
    """A system of the test's own, on free ports, with further ``settings``; its data is removed at the end."""
    names = ["GATEWAY_PORT", "TRACES_PORT", "MAIL_PORT", *(f"{service.upper()}_PORT" for service in SERVICES)]
    with (
        own_folder(repository / ".state", name) as state,
        free_ports(len(names)) as found,
        _running(state, dict(zip(names, found, strict=True)), settings) as system,
    ):
        yield system


@contextmanager
def _running(state: Path, ports: dict[str, int], settings: dict[str, str]) -> Iterator[System]:
    environment = {**os.environ, "MODE": "local", **{key: str(port) for key, port in ports.items()}}
    for variable in ("DATABASE_URL", "REDIS_URL", "AMQP_URL", "GATEWAY_URL", "ENVIRONMENT", "GATEHOUSE_STATE"):
        environment.pop(variable, None)
    environment |= settings
    asked = (ports["GATEWAY_PORT"], ports["TRACES_PORT"], ports["MAIL_PORT"] + 1)
    system = System(*(f"http://127.0.0.1:{port}" for port in asked), state, environment)
    system.run("clean")
    try:
        system.run("up")
        yield system
    except BaseException:
        keep = state.with_name(f"{state.name}-failed-logs")
        subprocess.run(["cp", "-r", "--", str(state / "logs"), str(keep)], check=False)
        raise
    finally:
        system.run("clean")


@dataclass
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

    def stay_signed_in(self, client: httpx.Client) -> None:
        """Sign in again where the token ends before a long test would: a session of tests may outlive it."""
        claims = self.token.split(".")[1]
        ends = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
        if ends - time.time() < _LONG_TEST_SECONDS:
            tokens = sign_in(client, self.email, self.password)
            self.token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]


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


def finished_report(client: httpx.Client, who: Person, kind: str, form: str, *, seconds: float = 120) -> dict[str, Any]:
    """Ask for a report and wait until it is finished, whichever way."""
    asked = client.post("/api/v1/reports", json={"type": kind, "format": form, "params": {}}, headers=who.headers)
    assert asked.status_code == 202, asked.text
    path = f"/api/v1/reports/{asked.json()['id']}"

    def done() -> dict[str, Any] | None:
        report = client.get(path, headers=who.headers).json()
        return report if report["status"] in ("succeeded", "failed", "cancelled") else None

    return eventually(done, seconds=seconds, what=f"{kind} as {form} finished")
