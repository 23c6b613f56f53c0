"""How long the record of security events is kept."""

from pydantic import Field

from shared.settings import Settings


class AuditSettings(Settings):
    """Days; the database itself refuses to let go of what is younger than 30."""

    keep_days: int = Field(default=365, validation_alias="AUDIT_KEEP_DAYS", ge=30, le=3650)
