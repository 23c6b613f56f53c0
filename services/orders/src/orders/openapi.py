"""The committed OpenAPI document: ``python -m orders.openapi [--check]``. Needs no environment."""

from pathlib import Path

from orders.main import create_application
from orders.settings import ImportSettings, OrdersSettings
from shared.web.openapi import main, placeholder_settings

if __name__ == "__main__":
    settings = placeholder_settings(OrdersSettings, imports=ImportSettings(directory=Path("unused")))
    main(create_application(settings), Path(__file__).parents[2] / "openapi.json")
