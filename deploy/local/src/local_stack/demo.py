"""`make demo`: one real journey through the gateway, each step checked, timed and told.

Nothing here knows more than a program that uses the Python client (clients/python); what a step claims it has verified.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from gatehouse_client import Gatehouse, GatehouseError, NotReached
from gatehouse_client.models.orders import OrderLine
from local_stack import mode
from local_stack.demo_trace import connected_trace, tree_lines
from local_stack.errors import LocalStackError
from local_stack.ports import HOST
from local_stack.state import State
from local_stack.system_ports import SystemPorts

_QUANTITY = 2


class DemoError(LocalStackError):
    """A step did not do what the contract says."""


@dataclass
class Journey:
    """A client on its way, and the trace of its order."""

    gatehouse: Gatehouse
    trace_id: str = ""
    _begun: float = field(default_factory=time.monotonic)

    def tell(self, text: str) -> None:
        """Say what happened and how long it took since the step before."""
        now = time.monotonic()
        print(f"  {(now - self._begun) * 1000:7.0f} ms  {text}", flush=True)
        self._begun = now


def require(holds: bool, complaint: str) -> None:  # noqa: FBT001  # it reads as a sentence
    """Raise `DemoError` unless it holds."""
    if not holds:
        raise DemoError(complaint)


def register_and_log_in(journey: Journey) -> None:
    """A new account each time, so that the demo can run again."""
    gatehouse = journey.gatehouse
    email, password = f"ada.{secrets.token_hex(4)}@example.com", "Analytical1843"
    user = gatehouse.users.register(name="Ada Lovelace", email=email, password=password)
    require(user.answer.location is not None, "the answer to a registration names no Location")
    require(user.role == "user", f"a new account has the role {user.role!r}")
    journey.tell(f"registered {email} as user {user.id}")

    gatehouse.log_in(email, password)
    me = gatehouse.users.me()
    require(me.id == user.id, f"the token is user {me.id}'s and not {user.id}'s")
    journey.tell(f"logged in as {me.name}")


def order_twice(journey: Journey) -> int:
    """The same order sent again with the same key is answered from memory and made once; its id."""
    gatehouse = journey.gatehouse
    products = gatehouse.products.list()
    product = next((product for product in products if product.stock >= _QUANTITY), None)
    if product is None:
        raise DemoError("no product has a stock of two")
    journey.tell(f"browsed {products.page().total} products; {product.name} costs {product.price} {product.currency}")

    key, lines = str(uuid.uuid4()), [OrderLine(product_id=product.id, quantity=_QUANTITY)]
    order = gatehouse.orders.place(items=lines, idempotency_key=key)
    require(not order.answer.replayed, "the first answer says that it is a replay")
    journey.trace_id = order.answer.trace_id or ""
    journey.tell(f"placed order {order.id}: {_QUANTITY} of {product.name}, {order.total} {order.currency}")

    again = gatehouse.orders.place(items=lines, idempotency_key=key)
    require(again.id == order.id, f"the same key made order {again.id} as well")
    require(again.answer.replayed, "the replay does not say Idempotent-Replayed: true")
    total = gatehouse.orders.list().page().total
    require(total == 1, f"there are {total} orders after one was placed twice with one key")
    left = gatehouse.products.get(product.id).stock
    journey.tell(f"sent it again with the same key: order {order.id} once more, replayed; stock is now {left}")
    return order.id


def pay(journey: Journey, order: int) -> None:
    """The order is paid afterwards."""
    journey.gatehouse.payments.pay(order, method="card")
    status = journey.gatehouse.orders.get(order).status
    require(status == "paid", f"order {order} is {status!r} after its payment")
    journey.tell(f"paid order {order}")


def report(journey: Journey, folder: Path) -> None:
    """A PDF, asked for, watched and fetched."""
    reports = journey.gatehouse.reports
    asked = reports.request(type="order_summary", format="pdf")
    require(asked.answer.location is not None, "the answer to a report's request names no Location")
    journey.tell(f"asked for report {asked.id}: {asked.status}")
    for event in reports.watch(asked.id):
        journey.tell(f"  {event.name} {event.progress} {event.data.get('message', '')}".rstrip())
        require(event.name != "failed", f"report {asked.id} failed: {event.data}")
    status = reports.get(asked.id).status
    require(status == "succeeded", f"report {asked.id} is {status!r}")

    path = reports.download(asked.id, folder / f"report-{asked.id}.pdf")
    content = path.read_bytes()
    require(content.startswith(b"%PDF"), "the report is no PDF")
    journey.tell(f"downloaded {len(content):,} bytes to {path}")


def show_trace(journey: Journey, traces_url: str) -> None:
    """The order's way through the processes, as one tree."""
    require(bool(journey.trace_id), "the order's answer names no trace")
    spans = connected_trace(traces_url, journey.trace_id, path=("gateway", "orders", "reports"))
    journey.tell(f"found the order's trace, {len(spans)} spans in one tree: {traces_url}/trace/{journey.trace_id}")
    print("\n".join(tree_lines(spans)))


def _addresses(state: State) -> tuple[str, str]:
    """The gateway's and the trace viewer's URLs: as told, else of the system that runs."""
    ports = state.read("compose.json" if mode.remembered_mode(state) == "compose" else "system.json")
    asked = SystemPorts.of(os.environ)
    gateway = f"http://{HOST}:{ports.get('gateway', asked.chosen['gateway'])}"
    traces = f"http://{HOST}:{ports.get('traces', asked.chosen['traces'])}"
    return os.environ.get("GATEWAY_URL") or gateway, os.environ.get("TRACES_URL") or traces


def main() -> int:
    """Make the journey; 0 when all of it worked."""
    state = State.at()
    begun = time.monotonic()
    try:
        gateway, traces = _addresses(state)
        print(f"A journey through {gateway}", flush=True)
        with httpx.Client(trust_env=False) as http:
            journey = Journey(Gatehouse(gateway, http=http))
            register_and_log_in(journey)
            order = order_twice(journey)
            pay(journey, order)
            report(journey, state.folder("demo"))
            show_trace(journey, traces.rstrip("/"))
    except NotReached as error:
        print(f"error: {error}; is it up? (`make status`)", file=sys.stderr)
        return 1
    except (LocalStackError, GatehouseError, httpx.HTTPError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"All of it worked, in {time.monotonic() - begun:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
