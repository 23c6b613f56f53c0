"""A webhook: what it can hear, how it stands, what was delivered to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.problems import Conflict, Forbidden, NotFound

PRODUCTS_CHANGED = "products.changed.v1"

OWN_EVENTS = (
    "orders.placed.v1",
    "orders.paid.v1",
    "orders.shipped.v1",
    "orders.delivered.v1",
    "orders.cancelled.v1",
    PRODUCTS_CHANGED,
    "reports.requested.v1",
    "reports.finished.v1",
    "reports.failed.v1",
    "users.updated.v1",
)
"""What anyone may hear: of oneself, and of products, which everyone sees."""

DEFAULT_EVENTS = tuple(event for event in OWN_EVENTS if event != PRODUCTS_CHANGED)
"""What is heard when nothing is named. An import changes a million products: who wants to hear that says so."""

EVERYONES_EVENTS = (*OWN_EVENTS, "users.registered.v1", "users.deleted.v1")
"""What a webhook of an admin may hear that is about all users."""

DEFAULT_EVERYONES_EVENTS = tuple(event for event in EVERYONES_EVENTS if event != PRODUCTS_CHANGED)

PING = "webhooks.ping.v1"
"""Sent on request, to try a webhook out."""


class WebhookStatus(StrEnum):
    """Whether anything is delivered."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """Who disabled it: its owner, an answer 410, or days of failures."""

    BY_OWNER = "by_owner"
    GONE = "gone"
    FAILING = "failing"


class DeliveryStatus(StrEnum):
    """How a delivery stands; ``pending`` until it succeeds or the last retry fails."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook without its secrets."""

    id: int
    user_id: int
    url: str
    description: str
    events: Sequence[str]
    everyone: bool
    status: WebhookStatus
    disabled_reason: DisabledReason | None
    failing_since: datetime | None
    previous_until: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One attempt; without ``milliseconds`` it runs, or its worker died. ``error`` says in a word what went wrong."""

    number: int
    started_at: datetime
    milliseconds: int | None
    status_code: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one webhook, with its latest attempts, the newest first."""

    id: int
    message_id: str
    type: str
    status: DeliveryStatus
    attempts: int
    due_at: datetime | None
    in_hand: bool
    created_at: datetime
    finished_at: datetime | None
    latest: Sequence[DeliveryAttempt]


class WebhookNotFound(NotFound):
    """There is no such webhook for this caller."""

    def __init__(self) -> None:
        super().__init__("webhook_not_found", "There is no such webhook.")


class DeliveryNotFound(NotFound):
    """There is no such delivery of this webhook."""

    def __init__(self) -> None:
        super().__init__("delivery_not_found", "There is no such delivery.")


class TooManyWebhooks(Conflict):
    """The caller has as many as one may have."""

    def __init__(self, limit: int) -> None:
        super().__init__("too_many_webhooks", f"There are {limit} webhooks already, as many as one may have.")


class WebhookDisabled(Conflict):
    """Nothing is delivered to a disabled webhook."""

    def __init__(self) -> None:
        super().__init__("webhook_disabled", "The webhook is disabled; enable it first.")


class DeliveryInHand(Conflict):
    """The delivery is being made at this moment."""

    def __init__(self) -> None:
        super().__init__("delivery_in_progress", "The delivery is being made right now.")


class NotAboutEveryone(Forbidden):
    """The caller's role does not reach so far."""

    def __init__(self) -> None:
        super().__init__("forbidden", "Only an admin's webhook may hear of all users.")
