"""What the reports service reads from its environment beyond what every service reads."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from reports.webhook_settings import WebhookSettings
from shared import production
from shared.mail import MailSettings, PublicSettings
from shared.production import Unsafe
from shared.settings import ServiceSettings, Settings


class StorageSettings(Settings):
    """Where finished reports lie: one directory that the API and the worker share."""

    directory: Path = Field(validation_alias="REPORTS_DIR")


class ReportSettings(Settings):
    """Bounds of what one user may ask for and keep, of what one PDF holds, and when a finished report goes."""

    unfinished_limit: int = Field(default=20, validation_alias="REPORTS_UNFINISHED_LIMIT", ge=1)
    schedules_limit: int = Field(default=20, validation_alias="REPORTS_SCHEDULES_LIMIT", ge=1, le=1000)
    pdf_rows: int = Field(default=10_000, validation_alias="REPORTS_PDF_ROWS", ge=1, le=100_000)
    lease_seconds: int = Field(default=15, validation_alias="REPORTS_LEASE_SECONDS", ge=2, le=300)
    keep_days: int = Field(default=90, validation_alias="REPORTS_KEEP_DAYS", ge=1, le=36_500)
    files_megabytes: int = Field(default=500, validation_alias="REPORTS_USER_FILES_MB", ge=1, le=1_000_000)


class ReportsSettings(ServiceSettings):
    """All settings of the service."""

    storage: StorageSettings = Field(default_factory=StorageSettings)  # pyright: ignore[reportArgumentType] - read from the environment
    reports: ReportSettings = Field(default_factory=ReportSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    mail: MailSettings = Field(default_factory=MailSettings)
    public: PublicSettings = Field(default_factory=PublicSettings)

    def unsafe(self) -> Iterator[Unsafe]:
        """And of this service: webhooks, mail, and what mails link to."""
        yield from super().unsafe()
        yield from self.webhooks.unsafe()
        yield from self.mail.unsafe(plaintext=self.backends.plaintext)
        yield from production.public_url("PUBLIC_URL", self.public.url, "mails link to it")
