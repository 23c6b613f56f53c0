"""What the relay has read and the table still has: at most one message of a subject is with the broker.

A channel keeps the order of publications, yet what was written behind a refused message is out already: a
refusal in the middle would let a younger event of its aggregate overtake. So the next of a subject is handed
out once the one before it is confirmed. Messages of different subjects are not held up by that.
"""

from collections import deque
from collections.abc import Iterable

from shared.messaging.relay_store import Waiting


class Window:
    """Rows between the read and the delete; no I/O."""

    def __init__(self) -> None:
        self._rows: dict[int, Waiting] = {}
        self._subjects: dict[str, deque[Waiting]] = {}
        self._ready: deque[Waiting] = deque()
        self._confirmed: list[int] = []
        self._refused: list[tuple[Waiting, str]] = []
        self._by_shard: dict[int, int] = {}

    def __len__(self) -> int:
        """How many rows are held."""
        return len(self._rows)

    @property
    def confirmed(self) -> int:
        """How many wait to be deleted."""
        return len(self._confirmed)

    @property
    def refused(self) -> bool:
        """Whether a refusal waits to be written down."""
        return bool(self._refused)

    @property
    def ready(self) -> bool:
        """Whether something may be sent."""
        return bool(self._ready)

    @property
    def ids(self) -> list[int]:
        """Rows that a read shall leave out."""
        return list(self._rows)

    def holds(self, shard: int) -> bool:
        """Whether rows of the shard are held."""
        return self._by_shard.get(shard, 0) > 0

    def add(self, rows: Iterable[Waiting]) -> None:
        """Take rows, those of one subject in the order of their ids."""
        for row in rows:
            self._rows[row.id] = row
            self._by_shard[row.shard] = self._by_shard.get(row.shard, 0) + 1
            queued = self._subjects.get(row.message.subject)
            if queued is None:
                self._subjects[row.message.subject] = deque((row,))
                self._ready.append(row)
            else:
                queued.append(row)

    def take(self, limit: int, most_bytes: int) -> list[Waiting]:
        """The rows to send now, at most so many and, but for the first, so many bytes."""
        taken: list[Waiting] = []
        size = 0
        while self._ready and len(taken) < limit:
            size += len(self._ready[0].message.body)
            if taken and size > most_bytes:
                break
            taken.append(self._ready.popleft())
        return taken

    def confirm(self, row_id: int) -> Waiting:
        """The broker has it: the next of its subject is ready."""
        row = self._rows[row_id]
        queued = self._subjects[row.message.subject]
        queued.popleft()
        if queued:
            self._ready.append(queued[0])
        else:
            del self._subjects[row.message.subject]
        self._confirmed.append(row_id)
        return row

    def refuse(self, row_id: int, reason: str) -> Waiting:
        """The broker has it not: nothing of its subject is ready until ``take_refused``."""
        row = self._rows[row_id]
        self._refused.append((row, reason))
        return row

    def take_confirmed(self) -> list[int]:
        """Ids to delete. They are held, and left out of reads, until ``forget``."""
        taken, self._confirmed = self._confirmed, []
        return taken

    def take_refused(self) -> list[tuple[Waiting, str, list[int]]]:
        """Refused rows, why, and the ids of what waited behind each; the same holds for them."""
        taken, self._refused = self._refused, []
        return [(row, reason, self._behind(row)) for row, reason in taken]

    def forget(self, ids: Iterable[int]) -> None:
        """These rows are deleted, or marked, in the table."""
        for row_id in ids:
            row = self._rows.pop(row_id)
            self._by_shard[row.shard] -= 1

    def _behind(self, row: Waiting) -> list[int]:
        queued = self._subjects.pop(row.message.subject)
        queued.popleft()
        return [later.id for later in queued]
