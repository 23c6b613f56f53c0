"""What the reports service reads from its environment beyond what every service reads."""

from pathlib import Path

from pydantic import Field

from reports.webhook_settings import WebhookSettings
from shared.settings import ServiceSettings, Settings


class StorageSettings(Settings):
    """Where finished reports lie: one directory that the API and the worker share."""

    directory: Path = Field(validation_alias="REPORTS_DIR")


class ReportSettings(Settings):
    """Bounds of what one user may ask for and of what one PDF holds."""

    unfinished_limit: int = Field(default=20, validation_alias="REPORTS_UNFINISHED_LIMIT", ge=1)
    pdf_rows: int = Field(default=2_000, validation_alias="REPORTS_PDF_ROWS", ge=1)


class ReportsSettings(ServiceSettings):
    """All settings of the service."""

    storage: StorageSettings = Field(default_factory=StorageSettings)  # pyright: ignore[reportArgumentType] - read from the environment
    reports: ReportSettings = Field(default_factory=ReportSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
