"""How a parked message is shown, and the line that tells who did what to it."""

import getpass
import json
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.messaging.parking import ParkedMessage

_COLUMNS = ("id", "type", "subject", "parked_at", "attempts", "reason")
_REASON_CHARACTERS = 80


def as_record(queue: str, parked: ParkedMessage, *, whole: bool = False) -> dict[str, Any]:
    """The message as JSON; with ``whole`` the stack and the body too."""
    record: dict[str, Any] = {
        "queue": queue,
        "id": parked.event_id,
        "type": parked.event_type,
        "subject": parked.subject,
        "parked_at": parked.parked_at,
        "attempts": parked.attempts,
        "reason": parked.reason,
    }
    if whole:
        record |= {"stack": parked.stack, "body": parked.message.body.decode(errors="replace")}
    return record


def as_table(records: Sequence[dict[str, Any]]) -> str:
    """The records in columns, reasons cut; an empty text for none."""
    if not records:
        return ""
    rows = [
        [*(str(record[name]) for name in _COLUMNS[:-1]), record["reason"][:_REASON_CHARACTERS]] for record in records
    ]
    lines = [[name.upper() for name in _COLUMNS], *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def who() -> str:
    """The user of this machine, for the audit line where nobody is named."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def audit_line(action: str, record: dict[str, Any], by: str) -> str:
    """One JSON line for the log: who did what to which message, and when."""
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"timestamp": moment, "event": f"parked_{action}", "by": by, **record}, ensure_ascii=False)
