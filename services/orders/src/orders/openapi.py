"""The committed OpenAPI document: ``python -m orders.openapi [--check]``."""

from pathlib import Path

from orders.main import create_application
from orders.settings import OrdersSettings
from shared.settings import PostgresSettings, RabbitSettings, RedisSettings, TokenSettings
from shared.web.openapi import main

_UNUSED = "unused://the-document-needs-no-server"

if __name__ == "__main__":
    settings = OrdersSettings.model_validate(
        {
            "postgres": PostgresSettings.model_validate({"url": _UNUSED}),
            "redis": RedisSettings.model_validate({"url": "redis://127.0.0.1"}),
            "rabbit": RabbitSettings.model_validate({"url": _UNUSED}),
            "tokens": TokenSettings.model_validate({"issuer": _UNUSED, "jwks_url": _UNUSED}),
        }
    )
    main(create_application(settings), Path(__file__).parents[2] / "openapi.json")
