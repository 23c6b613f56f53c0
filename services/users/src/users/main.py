"""The API process: ``python -m users.main``."""

import asyncio
from functools import partial
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI

from shared.identity import KeySource
from shared.settings import Environment, wrong_settings_in_words
from shared.web import Resources, create_app, serve
from users.api.oauth.authorize import answer_untrusted
from users.api.routers import create_bare_routers, create_routers
from users.avatar_files import AvatarFiles
from users.domain.authorization import UntrustedRequest
from users.key_ring import KeyRing
from users.oauth.errors import OAuthError, answer_oauth_error
from users.resources import open_resources
from users.settings import UsersSettings
from users.signing_key import SigningKey

SERVICE = "users"
VERSION = version(SERVICE)
MIGRATIONS = Path(__file__).parent / "migrations"


def create_application(
    settings: UsersSettings, keys: KeySource | None = None, *, ring: KeyRing | None = None
) -> FastAPI:
    """Make the API application. Our own tokens are verified with our own keys unless ``keys`` says otherwise.

    Raises UnusableKeyError when the key file cannot be used, or in production is open to others.
    """
    ring = ring or KeyRing(settings.signing, first=_first_key(settings))
    files = AvatarFiles(settings.storage.directory)

    async def usable(_: Resources) -> bool:
        return await asyncio.to_thread(files.usable)

    app = create_app(
        SERVICE,
        settings,
        version=VERSION,
        migrations=[MIGRATIONS],
        routers=create_routers(),
        bare_routers=create_bare_routers(),
        lifespan=partial(open_resources, settings, ring, files),
        keys=keys or ring,
        checks={"avatars": usable},
    )
    app.add_exception_handler(OAuthError, answer_oauth_error)
    app.add_exception_handler(UntrustedRequest, answer_untrusted)
    return app


def _first_key(settings: UsersSettings) -> SigningKey | None:
    path = settings.signing.private_key_file
    return SigningKey.read(path, private_only=settings.environment is Environment.PRODUCTION) if path else None


def main() -> None:
    """Serve until told to stop."""
    with wrong_settings_in_words(SERVICE):
        settings = UsersSettings()
        app = create_application(settings)
    serve(app, settings.http)


if __name__ == "__main__":
    main()
