"""The record of who did what to whom: ids, and nothing of the person."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AuditAction(StrEnum):
    """What is put on record."""

    USER_DELETED = "user.deleted"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """``actor_id`` did it to ``subject_id``, by the request of this id."""

    id: int
    action: AuditAction
    actor_id: int
    subject_id: int
    request_id: str | None
    created_at: datetime
