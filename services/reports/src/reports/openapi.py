"""The committed OpenAPI document: ``python -m reports.openapi [--check]``. Needs no environment."""

from pathlib import Path

from reports.main import create_application
from reports.settings import ReportsSettings, StorageSettings
from shared.web.openapi import main, placeholder_settings

if __name__ == "__main__":
    settings = placeholder_settings(ReportsSettings, storage=StorageSettings(directory=Path("unused")))
    main(create_application(settings), Path(__file__).parents[2] / "openapi.json")
