"""The OpenAPI document: ``python -m users.openapi [--check]``. Needs no environment."""

from pathlib import Path

from pydantic import SecretStr

from shared.settings import PostgresSettings, RabbitSettings, RedisSettings, TokenSettings
from shared.web.openapi import main
from users.main import create_application
from users.settings import SigningSettings, UsersSettings
from users.signing_key import SigningKey

COMMITTED = Path(__file__).parents[2] / "openapi.json"


def placeholders() -> UsersSettings:
    """Settings that name servers nobody calls."""
    return UsersSettings(
        postgres=PostgresSettings(url=SecretStr("postgresql://nobody@127.0.0.1/none")),
        redis=RedisSettings(url=SecretStr("redis://127.0.0.1")),
        rabbit=RabbitSettings(url=SecretStr("amqp://127.0.0.1")),
        tokens=TokenSettings(issuer="http://127.0.0.1"),
        signing=SigningSettings(private_key_file=Path()),
    )


if __name__ == "__main__":
    main(create_application(placeholders(), signing_key=SigningKey.generate()), COMMITTED)
