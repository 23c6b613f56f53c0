"""The API process: ``python -m users.main``."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from pydantic import ValidationError

from shared.identity import KeySource
from shared.settings import Environment
from shared.web import create_app, serve
from users.api.routers import create_routers
from users.holdings import open_holdings
from users.settings import UsersSettings
from users.signing_key import SigningKey, UnusableKeyError

SERVICE = "users"
VERSION = "0.1.0"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_application(
    settings: UsersSettings, keys: KeySource | None = None, *, signing_key: SigningKey | None = None
) -> FastAPI:
    """Make the API application. Our own tokens are verified with our own key unless ``keys`` says otherwise.

    Raises UnusableKeyError when the key file cannot be used, or in production is open to others.
    """
    key = signing_key or SigningKey.read(
        settings.signing.private_key_file, private_only=settings.environment is Environment.PRODUCTION
    )
    return create_app(
        SERVICE,
        settings,
        version=VERSION,
        migrations=[MIGRATIONS],
        routers=create_routers(),
        lifespan=partial(open_holdings, settings, key),
        keys=keys or key,
    )


@contextmanager
def wrong_settings_in_words() -> Iterator[None]:
    """End the process with a line for each setting that is wrong, in the place of a traceback."""
    try:
        yield
    except ValidationError as error:
        # Only places and messages: the values may be secrets.
        wrong = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise SystemExit("users: the settings are not right\n  " + "\n  ".join(wrong)) from None
    except UnusableKeyError as error:
        raise SystemExit(f"users: {error}") from None


def main() -> None:
    """Serve until told to stop."""
    with wrong_settings_in_words():
        settings = UsersSettings()
        app = create_application(settings)
    serve(app, settings.http)


if __name__ == "__main__":
    main()
