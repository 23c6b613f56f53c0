"""An event on the wire: CloudEvents 1.0, structured mode, JSON.

Sources: CloudEvents 1.0 core, its JSON format, its AMQP binding section 3.2, its distributed tracing
extension (``traceparent``).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import uuid4

import orjson
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

CONTENT_TYPE = "application/cloudevents+json"

# Bounded: the id is a key of the inbox's index.
_Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class UndecodableEvent(ValueError):  # noqa: N818 - the name says what it is
    """The body is not a CloudEvent this version understands: no retry helps."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an aggregate; ``data`` is its state afterwards with its ``version``."""

    id: str
    type: str
    source: str
    subject: str
    time: datetime
    data: dict[str, Any]
    traceparent: str | None = None

    @classmethod
    def new(
        cls,
        *,
        type: str,  # noqa: A002 - the CloudEvents name
        source: str,
        subject: str,
        data: dict[str, Any],
        traceparent: str | None = None,
    ) -> "Event":
        """Make an event with a new id that happens now."""
        return cls(str(uuid4()), type, source, subject, datetime.now(UTC), data, traceparent)

    def encode(self) -> bytes:
        """The event as a CloudEvents JSON document; decimals become strings, times RFC 3339."""
        document: dict[str, Any] = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time,
            "datacontenttype": "application/json",
            "data": self.data,
        }
        if self.traceparent:
            document["traceparent"] = self.traceparent
        return orjson.dumps(document, default=_encode_other, option=orjson.OPT_UTC_Z)

    @classmethod
    def decode(cls, body: bytes) -> "Event":
        """Read an event. Raises UndecodableEvent."""
        try:
            found = _Envelope.model_validate_json(body)
        except ValidationError as error:
            places = ", ".join(".".join(map(str, e["loc"])) or "body" for e in error.errors())
            raise UndecodableEvent(f"not a CloudEvent 1.0 with an object as data: {places}") from error
        return cls(found.id, found.type, found.source, found.subject, found.time, found.data, found.traceparent)


class _Envelope(BaseModel):
    """The attributes we need; unknown extensions are allowed and ignored (CloudEvents 1.0)."""

    model_config = ConfigDict(extra="ignore")

    specversion: Literal["1.0"]
    id: _Text
    type: _Text
    source: _Text
    subject: _Text
    time: datetime
    data: dict[str, Any]
    traceparent: str | None = None


def _encode_other(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in an event")
