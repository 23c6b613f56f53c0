"""How much of one pool each client holds, so that no client alone can keep the others from a service."""

from __future__ import annotations

from collections import deque
from typing import Protocol


class Holder(Protocol):
    """Who uses, or waits for, a connection on behalf of a client."""

    client_key: str

    def on_share(self) -> None:
        """Another request of the same client has ended: this one may ask the pool now."""
        ...


class Shares:
    """Counts the requests a client has at the pool; what is over its share waits in a line of its own."""

    def __init__(self) -> None:
        self._held: dict[str, int] = {}
        self._over: dict[str, deque[Holder]] = {}

    @property
    def waiting(self) -> int:
        """Requests that wait for others of their client."""
        return sum(map(len, self._over.values()))

    def enter(self, holder: Holder, share: int, line: int) -> str:
        """Answer "entered", or "queued" until ``on_share``, or "full" where ``line`` of the client's wait already."""
        key = holder.client_key
        held = self._held.get(key, 0)
        if held < share:
            self._held[key] = held + 1
            return "entered"
        waiting = self._over.setdefault(key, deque())
        if len(waiting) >= line:
            return "full"
        waiting.append(holder)
        return "queued"

    def enter_now(self, holder: Holder, share: int) -> bool:
        """Whether there is room at this moment; nobody waits for it."""
        held = self._held.get(holder.client_key, 0)
        if held >= share:
            return False
        self._held[holder.client_key] = held + 1
        return True

    def leave(self, holder: Holder) -> None:
        """Its request is over; the place goes to the client's next."""
        key = holder.client_key
        waiting = self._over.get(key)
        if waiting:
            following = waiting.popleft()
            if not waiting:
                del self._over[key]
            following.on_share()
            return
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]

    def give_up(self, holder: Holder) -> None:
        """It waits no longer."""
        waiting = self._over.get(holder.client_key)
        if waiting and holder in waiting:
            waiting.remove(holder)
            if not waiting:
                del self._over[holder.client_key]
