"""Each service and the gateway replaced again and again by `make deploy`'s command, while people use them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from deploy_load import Load, under_load
from e2e_system import Person, System, admin, new_product, register

from benchmarks.gateway.figures import percentile
from local_stack.deploy_command import deployable

_WATCH = 2
# So long the load goes on between two deploys, without one: that is what they are held to.
_PAUSE = 5.0


class WrongOrdersError(Exception):
    """An order that was answered is not there, or is there twice."""


@dataclass
class Rolled:
    """Deploys of one service: when each began and ended, by the monotonic clock."""

    spans: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])

    def holds(self, moment: float) -> bool:
        """Whether a request asked then may have met one of them."""
        return any(began <= moment <= ended for began, ended in self.spans)


def measure(system: System, times: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Requests, those that failed, p50 and p99 in milliseconds, in and out of the deploys; seconds of a deploy."""
    rolled = {service: Rolled() for service in deployable()}
    with _load(system) as (load, stay_signed_in):
        time.sleep(_PAUSE)
        for number in range(1, times + 1):
            for service, found in rolled.items():
                stay_signed_in()
                began = time.monotonic()
                system.run("deploy", service, "--watch", str(_WATCH))
                found.spans.append((began, time.monotonic()))
                say(f"{number}: {service} in {time.monotonic() - began:.1f} s, {len(load.failed)} failed so far")
                time.sleep(_PAUSE)
    return {
        "times": times,
        "watch_seconds": _WATCH,
        "failed": load.failed,
        "requests": len(load.answered) + len(load.failed),
        "outside": _figures([s for at, s in load.answered if not any(one.holds(at) for one in rolled.values())]),
        "services": {
            service: {
                **_figures([seconds for at, seconds in load.answered if one.holds(at)]),
                "deploy_seconds": round(median(ended - began for began, ended in one.spans), 1),
                "longest_deploy_seconds": round(max(ended - began for began, ended in one.spans), 1),
            }
            for service, one in rolled.items()
        },
    }


@contextmanager
def _load(system: System) -> Iterator[tuple[Load, Callable[[], None]]]:
    with system.client() as client:
        product: dict[str, Any] = new_product(client, admin(client), stock=1_000_000)
        person: Person = register(client)
        with under_load(system, person, int(product["id"])) as load:
            yield load, lambda: _signed_in(system, person)
    with system.client() as client:
        person.stay_signed_in(client)
        total = client.get("/api/v1/orders", headers=person.headers).json()["total"]
        # A failed one may be there as well.
        if len(set(load.placed)) != len(load.placed) or not len(load.placed) <= total <= len(load.placed) + len(
            load.failed
        ):
            raise WrongOrdersError(f"{total} orders are there, {len(load.placed)} were answered")


def _signed_in(system: System, person: Person) -> None:
    with system.client() as client:
        person.stay_signed_in(client)


def _figures(seconds: list[float]) -> dict[str, Any]:
    return {
        "requests": len(seconds),
        "p50_ms": round(percentile(seconds, 0.5) * 1000, 1),
        "p99_ms": round(percentile(seconds, 0.99) * 1000, 1),
    }
