"""The committed OpenAPI document: ``python -m reports.openapi [--check]``."""

from pathlib import Path

from reports.main import create_application
from reports.settings import ReportsSettings, StorageSettings
from shared.settings import PostgresSettings, RabbitSettings, RedisSettings, TokenSettings
from shared.web.openapi import main

_UNUSED = "unused://the-document-needs-no-server"

if __name__ == "__main__":
    settings = ReportsSettings.model_validate(
        {
            "postgres": PostgresSettings.model_validate({"url": _UNUSED}),
            "redis": RedisSettings.model_validate({"url": "redis://127.0.0.1"}),
            "rabbit": RabbitSettings.model_validate({"url": _UNUSED}),
            "tokens": TokenSettings.model_validate({"issuer": _UNUSED, "jwks_url": _UNUSED}),
            "storage": StorageSettings(directory=Path("unused")),
        }
    )
    main(create_application(settings), Path(__file__).parents[2] / "openapi.json")
