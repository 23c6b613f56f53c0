"""The committed OpenAPI document: ``python -m users.openapi [--check]``. Needs no environment."""

from pathlib import Path

from shared.web.openapi import main, placeholder_settings
from users.main import create_application
from users.settings import AvatarSettings, SigningSettings, UsersSettings
from users.signing_key import SigningKey

if __name__ == "__main__":
    settings = placeholder_settings(
        UsersSettings,
        signing=SigningSettings(private_key_file=Path("unused")),
        storage=AvatarSettings(directory=Path("unused")),
    )
    application = create_application(settings, signing_key=SigningKey.generate())
    main(application, Path(__file__).parents[2] / "openapi.json")
