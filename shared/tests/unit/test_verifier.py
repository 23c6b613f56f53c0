"""A token that was verified once is looked at again at each use for what may have changed since."""

import asyncio
import time

import jwt
import pytest

from shared.identity.revocations import RevokedTokens
from shared.identity.verifier import InvalidToken, TokenVerifier
from shared.settings import TokenSettings
from shared.testing.tokens import AUDIENCE, ISSUER, Signer

SETTINGS = TokenSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url="http://users.test/jwks.json")  # pyright: ignore[reportCallIssue] - by name


class Ended(RevokedTokens):
    def __init__(self) -> None:
        self.users: set[int] = set()

    def covers(self, user_id: int, *_: object, **__: object) -> bool:
        return user_id in self.users


class Published(Signer):
    """Keys of which the one is withdrawn, or another one stands under its name."""

    other: "jwt.PyJWK | None" = None
    withdrawn = False

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        return None if self.withdrawn else self.other or await super().find(key_id)


async def test_a_known_token_whose_user_was_ended_is_refused():
    keys, ended = Published(), Ended()
    verifier, token = TokenVerifier(SETTINGS, keys, ended), keys.token(7)
    assert (await verifier.verify(token)).user_id == 7
    assert (await verifier.verify(token)).user_id == 7
    ended.users.add(7)
    with pytest.raises(InvalidToken, match="before its time"):
        await verifier.verify(token)


async def test_a_known_token_whose_key_was_withdrawn_or_replaced_is_refused():
    keys = Published()
    verifier, token = TokenVerifier(SETTINGS, keys), keys.token(7)
    await verifier.verify(token)
    keys.other = await Signer().find("test-key")
    with pytest.raises(InvalidToken):
        await verifier.verify(token)
    keys.other = None
    await verifier.verify(token)
    keys.withdrawn = True
    with pytest.raises(InvalidToken):
        await verifier.verify(token)


async def test_a_known_token_expires():
    keys = Published()
    verifier, token = TokenVerifier(SETTINGS, keys), keys.token(7, exp=int(time.time()) - 3)
    await verifier.verify(token)
    async with asyncio.timeout(20):
        while True:
            try:
                await verifier.verify(token)
            except InvalidToken:
                return
            await asyncio.sleep(0.1)


async def test_a_forged_neighbour_of_a_known_token_is_refused():
    keys = Published()
    verifier, token = TokenVerifier(SETTINGS, keys), keys.token(7)
    await verifier.verify(token)
    head, claims, signature = token.split(".")
    with pytest.raises(InvalidToken):
        await verifier.verify(f"{head}.{claims}.{signature[:-4]}AAAA")
