"""What the API process of this service holds beside what every service has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.web import Resources
from users.access_tokens import TokenIssuer
from users.account_throttle import AccountThrottle
from users.avatar_files import AvatarFiles
from users.devices import Devices
from users.failed_logins import FailedLogins, recording
from users.gateway_client import admit_gateway
from users.hashing import Passwords
from users.key_ring import KeyRing
from users.login_throttle import LoginThrottle
from users.revoking import publishing
from users.second_factor_keys import SecondFactors
from users.settings import UsersSettings


@dataclass(frozen=True)
class UsersResources:
    """One a process."""

    settings: UsersSettings
    keys: KeyRing
    issuer: TokenIssuer
    passwords: Passwords
    throttle: LoginThrottle
    avatars: AvatarFiles
    second_factors: SecondFactors
    failed_logins: FailedLogins
    account_throttle: AccountThrottle
    devices: Devices


@asynccontextmanager
async def open_resources(
    settings: UsersSettings, keys: KeyRing, files: AvatarFiles, resources: Resources
) -> AsyncIterator[UsersResources]:
    """Open them, and close them at the end. Raises UnusableKeyError when a signing key does not open."""
    await keys.open(resources.database)
    passwords = Passwords(settings.passwords)
    patience = settings.redis.timeout_seconds
    try:
        await admit_gateway(resources.database, settings.gateway_client)
        async with (
            publishing(resources.database, resources.redis),
            keys.kept_fresh(resources.database),
            recording(resources.database) as failed_logins,
        ):
            yield UsersResources(
                settings,
                keys,
                TokenIssuer(settings.tokens, keys),
                passwords,
                LoginThrottle(resources.redis, settings.login, patience_seconds=patience),
                files,
                SecondFactors(settings.second_factor),
                failed_logins,
                AccountThrottle(resources.redis, settings.login, patience_seconds=patience),
                Devices(settings.second_factor),
            )
    finally:
        passwords.close()
