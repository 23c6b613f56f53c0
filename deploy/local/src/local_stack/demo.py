"""`make demo`: one real journey through the gateway, each step checked, timed and told.

Nothing here knows more than a client of the public API; what a step claims it has verified.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from local_stack import mode
from local_stack.demo_trace import connected_trace, tree_lines
from local_stack.errors import LocalStackError
from local_stack.ports import HOST
from local_stack.state import State
from local_stack.system_ports import SystemPorts

if TYPE_CHECKING:
    from collections.abc import Iterator

_API = "/api/v1"
_REPORT_SECONDS = 90.0
_QUANTITY = 2


class DemoError(LocalStackError):
    """A step did not do what the contract says."""


@dataclass
class Journey:
    """A client on its way, and what it has learned so far."""

    client: httpx.Client
    seen: dict[str, Any] = field(default_factory=dict[str, Any])
    _begun: float = field(default_factory=time.monotonic)

    def call(self, method: str, path: str, expected: int, **arguments: Any) -> httpx.Response:
        """Make a request and insist on its status."""
        answer = self.client.request(method, path, **arguments)
        if answer.status_code != expected:
            raise DemoError(f"{method} {path} answered {answer.status_code} and not {expected}: {answer.text[:500]}")
        return answer

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
    email = f"ada.{secrets.token_hex(4)}@example.com"
    account = {"name": "Ada Lovelace", "email": email, "password": "Analytical1843"}
    answer = journey.call("POST", f"{_API}/users", 201, json=account)
    user = answer.json()
    require("Location" in answer.headers, "the answer to a registration names no Location")
    require(user["role"] == "user", f"a new account has the role {user['role']!r}")
    journey.tell(f"registered {email} as user {user['id']}")
    credentials = {"email": email, "password": account["password"]}
    tokens = journey.call("POST", f"{_API}/auth/login", 200, json=credentials).json()
    journey.client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    me = journey.call("GET", f"{_API}/users/me", 200).json()
    require(me["id"] == user["id"], f"the token is user {me['id']}'s and not {user['id']}'s")
    journey.tell(f"logged in; the token holds for {tokens['expires_in']} s")


def order_twice(journey: Journey) -> None:
    """The same order sent again with the same key is answered from memory and made once."""
    page = journey.call("GET", f"{_API}/products", 200).json()
    in_stock = [product for product in page["items"] if product["stock"] >= _QUANTITY]
    require(bool(in_stock), "no product has a stock of two")
    product = in_stock[0]
    journey.tell(f"browsed {page['total']} products; {product['name']} costs {product['price']} {product['currency']}")
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"items": [{"product_id": product["id"], "quantity": _QUANTITY}]}
    first = journey.call("POST", f"{_API}/orders", 201, json=body, headers=headers)
    order = first.json()
    require("Idempotent-Replayed" not in first.headers, "the first answer says that it is a replay")
    journey.seen |= {"order": order["id"], "traceresponse": first.headers.get("traceresponse", "")}
    journey.tell(f"placed order {order['id']}: {_QUANTITY} of {product['name']}, {order['total']} {order['currency']}")
    again = journey.call("POST", f"{_API}/orders", 201, json=body, headers=headers)
    require(again.json()["id"] == order["id"], f"the same key made order {again.json()['id']} as well")
    require(again.headers.get("Idempotent-Replayed") == "true", "the replay does not say Idempotent-Replayed: true")
    left = journey.call("GET", f"{_API}/products/{product['id']}", 200).json()["stock"]
    total = journey.call("GET", f"{_API}/orders", 200).json()["total"]
    require(total == 1, f"there are {total} orders after one was placed twice with one key")
    journey.tell(f"sent it again with the same key: order {order['id']} once more, replayed; stock is now {left}")


def pay(journey: Journey) -> None:
    """The order is paid afterwards."""
    order = journey.seen["order"]
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    journey.call("POST", f"{_API}/orders/{order}/payments", 201, json={"method": "card"}, headers=headers)
    status = journey.call("GET", f"{_API}/orders/{order}", 200).json()["status"]
    require(status == "paid", f"order {order} is {status!r} after its payment")
    journey.tell(f"paid order {order}")


def report(journey: Journey, folder: State) -> None:
    """A PDF, asked for, watched and fetched."""
    wish = {"type": "order_summary", "format": "pdf", "params": {}}
    asked = journey.call("POST", f"{_API}/reports", 202, json=wish)
    identifier = asked.json()["id"]
    require("Location" in asked.headers, "the answer to a report's request names no Location")
    journey.tell(f"asked for report {identifier}: {asked.json()['status']}")
    for name, data in _events(journey, f"{_API}/reports/{identifier}/events"):
        if name == "failed":
            raise DemoError(f"report {identifier} failed: {data}")
        journey.tell(f"  {name} {data.get('progress', data.get('percent', ''))} {data.get('message', '')}".rstrip())
        if name == "done":
            break
    else:
        raise DemoError(f"the progress of report {identifier} ended without `done`")
    finished = journey.call("GET", f"{_API}/reports/{identifier}", 200).json()
    require(finished["status"] == "succeeded", f"report {identifier} is {finished['status']!r}")
    content = journey.call("GET", f"{_API}/reports/{identifier}/content", 200)
    require(content.content.startswith(b"%PDF"), "the report is no PDF")
    part = journey.call("GET", f"{_API}/reports/{identifier}/content", 206, headers={"Range": "bytes=0-3"})
    require(part.content == b"%PDF", f"the first four bytes asked for by Range are {part.content!r}")
    path = folder.folder("demo") / f"report-{identifier}.pdf"
    path.write_bytes(content.content)
    journey.tell(f"downloaded {len(content.content):,} bytes to {path}")


def show_trace(journey: Journey, traces_url: str) -> None:
    """The order's way through the processes, as one tree."""
    parts = journey.seen["traceresponse"].split("-")
    require(len(parts) == 4, f"the order's answer has no traceresponse: {journey.seen['traceresponse']!r}")  # noqa: PLR2004  # W3C's four
    spans = connected_trace(traces_url, parts[1], path=("gateway", "orders", "reports"))
    journey.tell(f"found the order's trace, {len(spans)} spans in one tree: {traces_url}/trace/{parts[1]}")
    print("\n".join(tree_lines(spans)))


def _events(journey: Journey, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a text/event-stream (WHATWG HTML, section 9.2) until it ends."""
    limits = httpx.Timeout(10.0, read=_REPORT_SECONDS)
    with journey.client.stream("GET", path, headers={"Accept": "text/event-stream"}, timeout=limits) as stream:
        kind = stream.headers.get("content-type", "")
        require(stream.status_code == HTTPStatus.OK, f"GET {path} answered {stream.status_code}")
        require(kind.startswith("text/event-stream"), f"GET {path} is {kind}")
        name, data = "message", ""
        for line in stream.iter_lines():
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data += line[5:].strip()
            elif not line and data:
                yield name, json.loads(data)
                name, data = "message", ""


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
        with httpx.Client(base_url=gateway, timeout=15.0, trust_env=False) as client:
            journey = Journey(client)
            register_and_log_in(journey)
            order_twice(journey)
            pay(journey)
            report(journey, state)
            show_trace(journey, traces.rstrip("/"))
    except LocalStackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except httpx.HTTPError as error:
        print(f"error: {type(error).__name__}: {error}; is it up? (`make status`)", file=sys.stderr)
        return 1
    except (KeyError, ValueError, TypeError) as error:
        print(f"error: an answer is not as the contract says: {type(error).__name__} {error}", file=sys.stderr)
        return 1
    print(f"All of it worked, in {time.monotonic() - begun:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
