"""What reports answers, and the parts of what it is sent. Made of services/reports/openapi.json."""

from datetime import datetime
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

from gatehouse_client.model import Model

DeliveryStatus: TypeAlias = Literal["pending", "succeeded", "failed"]
"""How a delivery stands; `pending` until it succeeds or the last retry fails."""


DisabledReason: TypeAlias = Literal["by_owner", "gone", "failing"]
"""Who disabled it: its owner, an answer 410, or days of failures."""


ReportFormat: TypeAlias = Literal["pdf", "csv", "json"]
"""As what a report comes; the value is the file's extension too."""


ReportStatus: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
"""How a report stands; the last three are final."""


ReportType: TypeAlias = Literal["user_activity", "order_summary", "sales"]
"""What a report is about."""


SchedulePeriod: TypeAlias = Literal["previous_day", "previous_week", "previous_month"]
"""A period that goes along with the time of the run, in the schedule's time zone; weeks begin on Monday."""


WebhookStatus: TypeAlias = Literal["enabled", "disabled"]
"""Whether anything is delivered."""


class Attempt(Model):
    """One attempt; while it runs, or when the worker died in it, all but its start is null."""

    duration_ms: int | None
    error: str | None
    """A word for what went wrong, such as timed_out or answered_5xx."""
    number: int
    started_at: datetime
    status_code: int | None


class Delivery(Model):
    """One message to the webhook, with its latest attempts, the newest first."""

    attempts: int
    created_at: datetime
    finished_at: datetime | None
    id: int
    latest_attempts: list[Attempt]
    message_id: str
    """The `webhook-id` of all its attempts."""
    next_attempt_at: datetime | None
    status: DeliveryStatus | str
    type: str


class NewWebhook(Model):
    """A webhook with its new secret, in this answer only."""

    all: bool
    created_at: datetime
    description: str
    disabled_reason: DisabledReason | str | None
    """by_owner, gone (it answered 410), failing (for days)."""
    events: list[str]
    failing_since: datetime | None
    """The first failed attempt since the last that succeeded."""
    id: int
    previous_secret_until: datetime | None
    """Until when deliveries bear two signatures."""
    secret: str
    """`whsec_` and the key in base64, for the verifiers of Standard Webhooks."""
    status: WebhookStatus | str
    updated_at: datetime
    url: str


class Webhook(Model):
    """A webhook as its owner sees it; never its secret."""

    all: bool
    created_at: datetime
    description: str
    disabled_reason: DisabledReason | str | None
    """by_owner, gone (it answered 410), failing (for days)."""
    events: list[str]
    failing_since: datetime | None
    """The first failed attempt since the last that succeeded."""
    id: int
    previous_secret_until: datetime | None
    """Until when deliveries bear two signatures."""
    status: WebhookStatus | str
    updated_at: datetime
    url: str


class Report(Model):
    """A report as its owner sees it."""

    created_at: datetime
    error: str | None
    finished_at: datetime | None
    format: ReportFormat | str
    id: int
    notify: bool
    params: dict[str, Any]
    progress: int
    """In percent."""
    schedule_id: int | None
    """The report schedule that asked for it."""
    size: int | None
    """Bytes of the file, once there is one."""
    status: ReportStatus | str
    type: ReportType | str


class Schedule(Model):
    """A report schedule as its owner sees it."""

    created_at: datetime
    cron: str
    enabled: bool
    error: str | None
    """Why the last run made no report."""
    format: ReportFormat | str
    id: int
    last_report_id: int | None
    last_run_at: datetime | None
    next_run_at: datetime | None
    notify: bool
    params: dict[str, Any]
    period: SchedulePeriod | str | None
    timezone: str
    type: ReportType | str


ReportParams = TypedDict(
    "ReportParams", {"all": NotRequired[bool], "from": NotRequired[str | None], "to": NotRequired[str | None]}
)
