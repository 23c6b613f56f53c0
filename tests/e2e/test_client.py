"""The Python client against the whole system: a journey by each of its two faces, the README's code, and a fault."""

import asyncio
import re
import secrets
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from e2e_system import Person, System, eventually

from gatehouse_client import (
    ApiKey,
    AsyncGatehouse,
    ClientCredentials,
    Gatehouse,
    Invalid,
    Manners,
    NotFound,
    PreconditionFailed,
    Tokens,
    Unauthorized,
)

README = Path(__file__).parents[2] / "clients/python/README.md"
PASSWORD = "Correct1Horse"
PATIENT = Manners(retries=200, deadline=240, cap=1)


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as http:
        yield http


@pytest.fixture
def gatehouse(system: System, http: httpx.Client) -> Gatehouse:
    return Gatehouse(system.gateway, http=http, manners=PATIENT)


@pytest.fixture
def boss_client(system: System, http: httpx.Client, boss: Person) -> Gatehouse:
    return Gatehouse(system.gateway, http=http, credential=Tokens(boss.token), manners=PATIENT)


def address() -> str:
    return f"{secrets.token_hex(8)}@example.com"


def test_a_journey_that_blocks(gatehouse: Gatehouse, boss_client: Gatehouse, tmp_path: Path):
    sku = f"T-{secrets.token_hex(6).upper()}"
    kettle = boss_client.products.create(sku=sku, name="Kettle", price=Decimal("12.50"), stock=10)
    email = address()
    user = gatehouse.users.register(name="Ada Lovelace", email=email, password=PASSWORD)
    with pytest.raises(Unauthorized):
        gatehouse.log_in(email, "Wrong1Horse")
    first = gatehouse.log_in(email, PASSWORD)
    assert gatehouse.users.get(user.id).name.last == "Lovelace"

    order = gatehouse.orders.place(items=[{"product_id": kettle.id, "quantity": 2}], idempotency_key="mine")
    again = gatehouse.orders.place(items=[{"product_id": kettle.id, "quantity": 2}], idempotency_key="mine")
    assert (again.id, again.answer.replayed, order.answer.replayed) == (order.id, True, False)
    assert (order.total, order.items[0].unit_price) == (Decimal("25.00"), Decimal("12.50"))
    assert gatehouse.payments.pay(order.id).amount == order.total
    assert [payment.status for payment in gatehouse.payments.list(order.id)] == ["succeeded"]
    assert [one.id for one in gatehouse.users.orders(user.id, page_size=1)] == [order.id]
    with pytest.raises(NotFound) as missing:
        boss_client.orders.get(2**40)
    assert missing.value.code == "order_not_found"
    with pytest.raises(Invalid) as invalid:
        gatehouse.orders.place(items=[{"product_id": kettle.id, "quantity": 0}])
    assert any("quantity" in error.field for error in invalid.value.errors)

    read = boss_client.products.get(kettle.id)
    boss_client.products.change(kettle.id, stock=50, if_match=read)
    with pytest.raises(PreconditionFailed):
        boss_client.products.change(kettle.id, stock=60, if_match=read)

    asked = gatehouse.reports.request(type="order_summary", format="pdf", params={"from": "2020-01-01"})
    events = list(gatehouse.reports.watch(asked.id))
    assert events[-1].name == "done", events
    path = gatehouse.reports.download(asked.id, tmp_path / "report.pdf")
    assert path.read_bytes().startswith(b"%PDF")
    assert gatehouse.reports.get(asked.id).size == path.stat().st_size
    part = gatehouse.send("GET", f"/api/v1/reports/{asked.id}/content", headers={"Range": "bytes=0-3"})
    assert part.content == b"%PDF"

    # An access token that has ended, as far as anyone can tell: both are renewed by the one refresh token.
    told: list[Tokens] = []
    ended = Gatehouse(
        gatehouse._caller.url,
        credential=Tokens("ended", first.refresh_token),
        on_tokens=told.append,
        http=gatehouse._caller.http,
    )
    assert ended.users.me().id == user.id
    assert told == [ended.credential]
    ended.log_out()
    with pytest.raises(Unauthorized):
        ended.auth.refresh(refresh_token=str(told[0].refresh_token))


def test_a_program_and_an_import(boss_client: Gatehouse, system: System, http: httpx.Client):
    app = boss_client.oauth_clients.create(
        name="shop", type="confidential", grants=["client_credentials"], scopes=["orders:read"]
    )
    program = Gatehouse(
        system.gateway, http=http, credential=ClientCredentials(app.client_id, str(app.client_secret)), manners=PATIENT
    )
    assert program.orders.list(page_size=1).page().page == 1
    boss_client.oauth_clients.delete(app.client_id)

    sku = f"T-{secrets.token_hex(6).upper()}"
    rows = f"sku,name,description,price,currency,stock\n{sku},Cup,,3.50,EUR,7\n".encode()
    job = boss_client.product_imports.start(rows, mode="skip_bad")
    events = list(boss_client.product_imports.watch(job.id))
    assert events[-1].name == "done", events
    assert boss_client.product_imports.get(job.id).created == 1
    assert [(one.price, one.stock) for one in boss_client.products.list(sku=sku)] == [(Decimal("3.50"), 7)]


async def test_a_journey_on_an_event_loop(system: System, product: dict[str, Any], tmp_path: Path):
    async with httpx.AsyncClient(trust_env=False) as http:
        gatehouse = AsyncGatehouse(system.gateway, http=http, manners=PATIENT)
        email = address()
        user = await gatehouse.users.register(name="Ada Lovelace", email=email, password=PASSWORD)
        tokens = await gatehouse.log_in(email, PASSWORD)

        # Eight at once with an ended token: a second use of the refresh token would end the session.
        ended = AsyncGatehouse(
            system.gateway, http=http, credential=Tokens("ended", tokens.refresh_token), manners=PATIENT
        )
        lines: list[Any] = [{"product_id": product["id"], "quantity": 1}]
        orders = await asyncio.gather(*(ended.orders.place(items=lines) for _ in range(8)))
        assert len({order.id for order in orders}) == 8
        assert {order.id async for order in ended.orders.list(page_size=3)} == {order.id for order in orders}

        key = await ended.api_keys.create(name="script", scopes=["reports:write", "reports:read"])
        script = AsyncGatehouse(system.gateway, http=http, credential=ApiKey(key.key), manners=PATIENT)
        asked = await script.reports.request(type="order_summary", format="json")
        names = [event.name async for event in script.reports.watch(asked.id)]
        assert names[-1] == "done"
        path = await script.reports.download(asked.id, tmp_path / "report.json")
        assert path.read_bytes() == await script.reports.content(asked.id)
        assert [session.current async for session in ended.sessions.list()] == [True]
        assert (await ended.users.me()).id == user.id


def blocks(person: Person, system: System) -> list[str]:
    """The README's code, against this system and for an account of its own."""
    found = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    return [
        code.replace("http://127.0.0.1:8000", system.gateway).replace("ada@example.com", person.email) for code in found
    ]


def test_the_code_of_the_readme_runs(
    system: System, person: Person, gatehouse: Gatehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    first, second = blocks(person, system)
    shop: dict[str, Any] = {}
    exec(compile(first.replace(person.email, address()), "README.md", "exec"), shop)  # noqa: S102  # it is what is tried
    assert (tmp_path / "orders.pdf").read_bytes().startswith(b"%PDF")
    assert shop["event"].name == "done"

    signed_in = Gatehouse(system.gateway, credential=Tokens(person.token), http=gatehouse._caller.http)
    key = signed_in.api_keys.create(name="readme")
    program: dict[str, Any] = {}
    exec(compile(second, "README.md", "exec"), program)  # noqa: S102  # the same
    asyncio.run(program["main"](key.key))


class Losing(BaseHTTPRequestHandler):
    """A way to the gateway on which the first answers are lost after all was done."""

    gateway = ""
    keys: ClassVar[list[str]] = []

    def do_POST(self) -> None:  # the base class says so
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name: self.headers[name] for name in ("Authorization", "Content-Type", "Idempotency-Key")}
        answer = httpx.post(self.gateway + self.path, content=body, headers=headers, timeout=60, trust_env=False)
        self.keys.append(headers["Idempotency-Key"])
        self.close_connection = True
        if len(self.keys) > 2:
            self.send_response(answer.status_code)
            self.send_header("Idempotent-Replayed", answer.headers.get("Idempotent-Replayed", "false"))
            self.end_headers()
            self.wfile.write(answer.content)


def test_one_order_for_one_call_whose_answers_are_lost(
    system: System, person: Person, product: dict[str, Any], http: httpx.Client
):
    handler = type("Handler", (Losing,), {"gateway": system.gateway, "keys": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as way:
        serving = threading.Thread(target=way.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        url, credential = f"http://127.0.0.1:{way.server_port}", Tokens(person.token)
        try:
            lossy = Gatehouse(url, http=http, credential=credential, manners=PATIENT)
            order = lossy.orders.place(items=[{"product_id": product["id"], "quantity": 1}])
        finally:
            way.shutdown()
            serving.join()
    assert order.answer.replayed
    assert (len(handler.keys), len(set(handler.keys))) == (3, 1)
    placed = Gatehouse(system.gateway, http=http, credential=credential, manners=PATIENT).orders.list()
    assert [one.id for one in placed] == [order.id]


def test_one_order_for_one_call_while_the_gateway_is_killed(
    breakable: System, product: dict[str, Any], gatehouse: Gatehouse
):
    email = address()
    gatehouse.users.register(name="Ada Lovelace", email=email, password=PASSWORD)
    gatehouse.log_in(email, PASSWORD)
    placed: list[int] = []
    stop = threading.Event()

    def buy() -> None:
        while not stop.is_set():
            placed.append(gatehouse.orders.place(items=[{"product_id": product["id"], "quantity": 1}]).id)

    buyer = threading.Thread(target=buy)
    buyer.start()
    try:
        eventually(lambda: len(placed) >= 3, what="orders before the fault")
        breakable.kill("gateway")
        before = len(placed)
        eventually(lambda: len(placed) >= before + 3, seconds=200, what="orders after the fault")
    finally:
        stop.set()
        buyer.join()
    breakable.until_ready()
    assert sorted(order.id for order in gatehouse.orders.list(page_size=100)) == sorted(placed)
