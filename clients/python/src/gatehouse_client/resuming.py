"""How often a broken stream or download is taken up again."""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse_client.errors import NotReached
from gatehouse_client.manners import Manners


@dataclass
class Resuming:
    """Counts the breaks without anything new in between; gives up after ``manners.retries`` of them."""

    manners: Manners
    _broken: int = 0

    def went_on(self) -> None:
        """Something new came."""
        self._broken = 0

    def wait(self, failure: Exception | None, at_least: float = 0.0) -> float:
        """Seconds until the next try; NotReached after too many that brought nothing."""
        if self._broken >= self.manners.retries:
            raise NotReached(f"it broke off {self._broken + 1} times and brought nothing new: {failure}") from failure
        pause = max(at_least, self.manners.wait(self._broken))
        self._broken += 1
        return pause
