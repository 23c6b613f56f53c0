"""The gateway as a client of ours: the one that may exchange people's API keys for tokens.

Its secret is a setting of both, so that the two find each other without an admin. The secret that was set before goes
on to hold beside the new one: users is restarted first, then the gateway.
"""

from shared.postgres import Database
from users.domain.credentials import digest, matches
from users.domain.oauth_clients import SERVICE_TIER, ClientType
from users.domain.scopes import EXCHANGE_SCOPE
from users.gateway_client_settings import GatewayClientSettings
from users.store import oauth_clients as store

CLIENT_ID = "gateway"
_SHOWN = 4


async def admit_gateway(database: Database, settings: GatewayClientSettings) -> None:
    """See to it that the gateway is a client, with this secret; it can exchange keys and nothing else."""
    secret = settings.secret.get_secret_value()
    async with database.transaction() as connection:
        await store.insert(
            connection,
            CLIENT_ID,
            name="Gateway",
            kind=ClientType.CONFIDENTIAL,
            grants=(),
            redirect_uris=(),
            scopes=(EXCHANGE_SCOPE,),
            tier=SERVICE_TIER,
        )
        await store.lock(connection, CLIENT_ID)
        found = await store.find_credentials(connection, CLIENT_ID)
        if found is not None and not any(matches(secret, kept) for kept in found.digests):
            await store.add_secret(connection, CLIENT_ID, digest(secret), secret[:_SHOWN])
