"""What the reports service reads from its environment beyond what every service reads."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from reports.s3_settings import S3Settings
from reports.webhook_settings import WebhookSettings
from shared import production
from shared.mail import MailSettings, PublicSettings
from shared.production import Unsafe
from shared.settings import ServiceSettings, Settings

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*/?", re.ASCII)


class StorageSettings(Settings):
    """Where finished reports lie: a directory that the API and the worker share, or a bucket of S3.

    With a bucket the directory is where a worker makes them, and its own.
    """

    directory: Path = Field(validation_alias="REPORTS_DIR")
    store: str = Field(default="", validation_alias="REPORTS_STORE")

    @field_validator("store")
    @classmethod
    def _names_a_bucket(cls, value: str) -> str:
        if value and not _BUCKET.fullmatch(value):
            raise ValueError("REPORTS_STORE is no s3://bucket or s3://bucket/prefix")
        return value

    @property
    def bucket(self) -> str | None:
        """The bucket, if there is one."""
        return urlsplit(self.store).netloc or None

    @property
    def prefix(self) -> str:
        """What the names of all objects begin with, without slashes around it."""
        return urlsplit(self.store).path.strip("/")


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
    s3: S3Settings = Field(default_factory=S3Settings)
    reports: ReportSettings = Field(default_factory=ReportSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    mail: MailSettings = Field(default_factory=MailSettings)
    public: PublicSettings = Field(default_factory=PublicSettings)

    def unsafe(self) -> Iterator[Unsafe]:
        """And of this service: webhooks, mail, and what mails link to."""
        yield from super().unsafe()
        yield from self.webhooks.unsafe()
        yield from self.s3.unsafe(plaintext=self.backends.plaintext)
        yield from self.mail.unsafe(plaintext=self.backends.plaintext)
        yield from production.public_url("PUBLIC_URL", self.public.url, "mails link to it")
