"""What a consumer received, held against the promise: each event at least once, in commit order for one aggregate.

An event may come again (the same id, even late): a consumer's inbox drops that. What counts is the order of the first
receptions, since that is the order of the effects.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.end_state import EndState, WireEvent

_STEPS = {
    "placed": {"paid", "cancelled"},
    "paid": {"shipped", "cancelled"},
    "shipped": {"delivered"},
    "delivered": set[str](),
    "cancelled": set[str](),
}


def check(state: EndState) -> Iterator[tuple[str, str]]:
    """Pairs of what is wrong (``lost``, ``doubled``, ``reordered``) and the fact."""
    by_subject: dict[str, list[WireEvent]] = defaultdict(list)
    for event in _first_receptions(state.events):
        by_subject[event.subject].append(event)
    for subject, events in by_subject.items():
        yield from _versions(subject, events)
        if subject.startswith("orders/"):
            yield from _order_steps(subject, events)
    yield from _newest_was_told(state, by_subject)


def _first_receptions(events: list[WireEvent]) -> Iterator[WireEvent]:
    seen: set[str] = set()
    for event in events:
        if event.id not in seen:
            seen.add(event.id)
            yield event


def _versions(subject: str, events: list[WireEvent]) -> Iterator[tuple[str, str]]:
    versions = [event.data["version"] for event in events if isinstance(event.data.get("version"), int)]
    for before, after in pairwise(versions):
        if after == before:
            yield "doubled", f"{subject}: two events tell of version {after}"
        elif after < before:
            yield "reordered", f"{subject}: version {after} came after {before}"
    missing = sorted(set(range(min(versions, default=0), max(versions, default=0))) - set(versions))
    if missing:
        yield "lost", f"{subject}: no event told of the versions {missing[:10]}"


def _order_steps(subject: str, events: list[WireEvent]) -> Iterator[tuple[str, str]]:
    steps = [event.type.split(".")[1] for event in events]
    if steps[0] != "placed":
        yield "lost", f"{subject} begins with {events[0].type}"
    for before, after in pairwise(steps):
        if after not in _STEPS.get(before, set()):
            yield "reordered", f"{subject}: {after} came after {before}"


def _newest_was_told(state: EndState, by_subject: dict[str, list[WireEvent]]) -> Iterator[tuple[str, str]]:
    rows = [("orders", row.id, row.version) for row in state.orders]
    rows += [("reports", row.id, row.version) for row in state.reports]
    for collection, row_id, version in rows:
        subject = f"{collection}/{row_id}"
        told = [event.data.get("version") for event in by_subject.get(subject, [])]
        if version not in told:
            yield "lost", f"{subject} is at version {version}, and the events told of {told}"
