"""A token that was verified once is looked at again at each use for what may have changed since."""

import asyncio
import base64
import json
import time

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from shared.identity import RemoteKeys
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


def signed(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey, by: str, header: dict[str, str]) -> str:
    """A token under this header, signed as the key can: no library would make it."""
    claims = jwt.decode(Signer().token(7), options={"verify_signature": False})
    signed = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"typ": "at+jwt", **header}, claims)
    )
    signature = jwt.algorithms.get_default_algorithms()[by].sign(signed.encode(), key)
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


class Keys:
    """As a service fetched them: one of each algorithm that is taken, and one that is not."""

    def __init__(self) -> None:
        self.edwards = ed25519.Ed25519PrivateKey.generate()
        self.curve, self.wide = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
        edwards = {**jwt.algorithms.OKPAlgorithm.to_jwk(self.edwards.public_key(), as_dict=True), "alg": "EdDSA"}
        curve = {**jwt.algorithms.ECAlgorithm.to_jwk(self.curve.public_key(), as_dict=True), "alg": "ES256"}
        wide = {**jwt.algorithms.ECAlgorithm.to_jwk(self.wide.public_key(), as_dict=True), "alg": "ES384"}
        self.jwks = {"ed": edwards, "es": curve, "wide": wide, "cipher": {**curve, "use": "enc"}}
        documents = [{**jwk, "kid": kid} for kid, jwk in self.jwks.items()]
        transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"keys": documents}))
        self.remote = RemoteKeys("http://users.test/jwks.json", httpx.AsyncClient(transport=transport))


async def test_auth_1_es256_and_eddsa_are_taken_and_each_key_for_its_own_algorithm_alone():
    keys = Keys()
    verifier = TokenVerifier(SETTINGS, keys.remote)
    assert await verifier.verify(signed(keys.edwards, "EdDSA", {"alg": "EdDSA", "kid": "ed"}))
    assert await verifier.verify(signed(keys.curve, "ES256", {"alg": "ES256", "kid": "es"}))
    confused = [
        signed(keys.edwards, "EdDSA", {"alg": "ES256", "kid": "ed"}),
        signed(keys.curve, "ES256", {"alg": "EdDSA", "kid": "es"}),
        signed(keys.curve, "ES256", {"alg": "ES256", "kid": "ed"}),
        signed(keys.edwards, "EdDSA", {"alg": "EdDSA", "kid": "es"}),
        signed(keys.curve, "ES256", {"alg": "ES256", "kid": "cipher"}),
        signed(keys.wide, "ES384", {"alg": "ES384", "kid": "wide"}),
        signed(keys.wide, "ES384", {"alg": "ES256", "kid": "wide"}),
    ]
    for token in confused:
        with pytest.raises(InvalidToken):
            await verifier.verify(token)
