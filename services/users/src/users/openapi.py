"""The committed OpenAPI document: ``python -m users.openapi [--check]``. Needs no environment."""

from pathlib import Path

from shared.web.openapi import main, placeholder_settings
from users.main import create_application
from users.settings import AvatarSettings, UsersSettings
from users.signing_settings import SigningSettings

if __name__ == "__main__":
    settings = placeholder_settings(
        UsersSettings,
        signing=SigningSettings.model_validate({"private_key_file": None}),
        storage=AvatarSettings(directory=Path("unused")),
    )
    application = create_application(settings)
    main(application, Path(__file__).parents[2] / "openapi.json")
