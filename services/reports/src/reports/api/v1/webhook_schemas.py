"""Bodies of version 1 that are about webhooks."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StrictBool, ValidationInfo, field_validator

from reports.domain.webhook import (
    DEFAULT_EVENTS,
    DEFAULT_EVERYONES_EVENTS,
    EVERYONES_EVENTS,
    OWN_EVENTS,
    Delivery,
    DeliveryAttempt,
    DeliveryStatus,
    DisabledReason,
    Webhook,
    WebhookStatus,
)
from reports.domain.webhook_url import MOST_CHARACTERS
from shared.web import RequestBody

# A longer one is refused as any other URL is, with a code that says so.
_Url = Annotated[str, Field(min_length=1, max_length=4 * MOST_CHARACTERS, description="https, to a public address.")]
_Description = Annotated[str, Field(max_length=200)]
_EVENTS = f"What to hear of: {', '.join(OWN_EVENTS)}; with `all` also {', '.join(EVERYONES_EVENTS[len(OWN_EVENTS) :])}."
_Events = Annotated[list[str], Field(min_length=1, max_length=len(EVERYONES_EVENTS), description=_EVENTS)]

# Of what is refused: enough to know it by, and no more, whatever was sent.
_FEW = 3
_SHOWN = 60


def check_events(events: list[str], *, everyone: bool) -> list[str]:
    """The types without doubles, in the order they are listed in. Raises ValueError."""
    known = EVERYONES_EVENTS if everyone else OWN_EVENTS
    unknown = sorted(set(events) - set(known))
    if unknown:
        shown = ", ".join(name[:_SHOWN] for name in unknown[:_FEW])
        raise ValueError(f"cannot be heard here: {shown}" if len(unknown) <= _FEW else "cannot be heard here")
    return [event for event in known if event in events]


class WebhookRequest(RequestBody):
    """A new webhook; without ``events`` it hears of all there is but products."""

    url: _Url
    all: StrictBool = Field(default=False, description="Of all users; for an admin only.")
    events: _Events | None = None
    description: _Description = ""

    @field_validator("events")
    @classmethod
    def _are_heard(cls, events: list[str] | None, info: ValidationInfo) -> list[str] | None:
        return None if events is None else check_events(events, everyone=info.data.get("all") is True)

    @property
    def heard(self) -> list[str]:
        """What it is to hear of."""
        return self.events or list(DEFAULT_EVERYONES_EVENTS if self.all else DEFAULT_EVENTS)


class WebhookChange(RequestBody):
    """What is to be changed; what is left out stays."""

    url: _Url | None = None
    events: _Events | None = None
    description: _Description | None = None
    status: WebhookStatus | None = None


class WebhookView(BaseModel):
    """A webhook as its owner sees it; never its secret."""

    id: int
    url: str
    events: list[str]
    all: bool
    description: str
    status: WebhookStatus
    disabled_reason: DisabledReason | None = Field(description="by_owner, gone (it answered 410), failing (for days).")
    failing_since: datetime | None = Field(description="The first failed attempt since the last that succeeded.")
    previous_secret_until: datetime | None = Field(description="Until when deliveries bear two signatures.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        """The view of a webhook."""
        return cls(**_fields(webhook))


class NewWebhookView(WebhookView):
    """A webhook with its new secret, in this answer only."""

    secret: str = Field(description="`whsec_` and the key in base64, for the verifiers of Standard Webhooks.")

    @classmethod
    def with_secret(cls, webhook: Webhook, secret: str) -> Self:
        """The view of a webhook whose secret is told."""
        return cls(**_fields(webhook), secret=secret)


def _fields(webhook: Webhook) -> dict[str, object]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "all": webhook.everyone,
        "description": webhook.description,
        "status": webhook.status,
        "disabled_reason": webhook.disabled_reason,
        "failing_since": webhook.failing_since,
        "previous_secret_until": webhook.previous_until,
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
    }


class AttemptView(BaseModel):
    """One attempt; while it runs, or when the worker died in it, all but its start is null."""

    number: int
    started_at: datetime
    duration_ms: int | None
    status_code: int | None
    error: str | None = Field(description="A word for what went wrong, such as timed_out or answered_5xx.")

    @classmethod
    def of(cls, attempt: DeliveryAttempt) -> Self:
        """The view of an attempt."""
        return cls(
            number=attempt.number,
            started_at=attempt.started_at,
            duration_ms=attempt.milliseconds,
            status_code=attempt.status_code,
            error=attempt.error,
        )


class DeliveryView(BaseModel):
    """One message to the webhook, with its latest attempts, the newest first."""

    id: int
    message_id: str = Field(description="The `webhook-id` of all its attempts.")
    type: str
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None
    latest_attempts: list[AttemptView]
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """The view of a delivery."""
        return cls(
            id=delivery.id,
            message_id=delivery.message_id,
            type=delivery.type,
            status=delivery.status,
            attempts=delivery.attempts,
            next_attempt_at=None if delivery.in_hand else delivery.due_at,
            latest_attempts=[AttemptView.of(attempt) for attempt in delivery.latest],
            created_at=delivery.created_at,
            finished_at=delivery.finished_at,
        )
