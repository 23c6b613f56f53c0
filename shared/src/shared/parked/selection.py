"""Which of the parked messages a command is about."""

from collections.abc import Collection
from dataclasses import dataclass

from shared.messaging.parking import ParkedMessage


@dataclass(frozen=True, slots=True)
class Selection:
    """All that is said must hold; ``subject`` and ``reason`` are parts of the text, the type is exact."""

    ids: Collection[str] = ()
    type: str | None = None
    subject: str | None = None
    reason: str | None = None

    @property
    def says_something(self) -> bool:
        """Whether it names less than everything."""
        return bool(self.ids or self.type or self.subject or self.reason)

    def matches(self, parked: ParkedMessage) -> bool:
        """Whether the message is one of them."""
        return (
            (not self.ids or parked.event_id in self.ids)
            and (self.type is None or parked.event_type == self.type)
            and (self.subject is None or self.subject in parked.subject)
            and (self.reason is None or self.reason in parked.reason)
        )
