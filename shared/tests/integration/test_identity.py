"""Forged, confused and insufficient tokens."""

import asyncio
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.http import create_http_client
from shared.identity import RemoteKeys
from shared.problems import Unavailable
from shared.testing.tokens import Signer


def bearer(token: str) -> dict[str, bytes]:
    return {"Authorization": f"Bearer {token}".encode()}


async def test_no_token_is_401_with_a_challenge(sample: httpx.AsyncClient):
    response = await sample.get("/scoped")
    assert response.status_code == 401
    assert response.json()["code"] == "unauthorized"
    assert response.headers["www-authenticate"] == 'Bearer realm="gatehouse"'


async def test_a_token_with_the_scope_is_taken(sample: httpx.AsyncClient, signer: Signer):
    assert (await sample.get("/scoped", headers=signer.headers(7))).json() == "7"


async def test_a_token_without_the_scope_is_insufficient(sample: httpx.AsyncClient, signer: Signer):
    response = await sample.get("/scoped", headers=signer.headers(7, scope="orders:read"))
    assert response.status_code == 403
    assert response.json()["code"] == "insufficient_scope"
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]


async def test_a_user_is_no_admin(sample: httpx.AsyncClient, signer: Signer):
    assert (await sample.get("/admin", headers=signer.headers(7))).status_code == 403
    assert (await sample.get("/admin", headers=signer.headers(7, role="admin"))).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 60},
        {"iss": "http://elsewhere"},
        {"aud": "another"},
        {"iat": int(time.time()) + 10**8},
        {"sub": 7},
    ],
)
async def test_auth_1_a_claim_that_is_wrong_is_401(sample: httpx.AsyncClient, signer: Signer, claims: dict[str, Any]):
    response = await sample.get("/scoped", headers=bearer(signer.token(7, **claims)))
    assert response.status_code == 401
    assert response.json()["code"] == "invalid_token"


@pytest.mark.parametrize("missing", ["exp", "iss", "aud", "sub", "jti", "iat"])
async def test_auth_1_a_claim_that_is_missing_is_401(sample: httpx.AsyncClient, signer: Signer, missing: str):
    claims = jwt.decode(signer.token(7), options={"verify_signature": False})
    del claims[missing]
    token = jwt.encode(claims, signer._private, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": "test-key"})
    assert (await sample.get("/scoped", headers=bearer(token))).status_code == 401


async def test_auth_1_algorithm_confusion_and_foreign_keys_are_401(sample: httpx.AsyncClient, signer: Signer):
    claims = jwt.decode(signer.token(7), options={"verify_signature": False})
    header = {"typ": "at+jwt", "kid": "test-key"}
    other = Ed25519PrivateKey.generate()
    public = signer._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    foreign_jwk = jwt.algorithms.OKPAlgorithm.to_jwk(other.public_key(), as_dict=True)
    forged = [
        jwt.encode(claims, "", algorithm="none", headers=header),
        jwt.encode(claims, public, algorithm="HS256", headers=header),
        jwt.encode(claims, other, algorithm="EdDSA", headers=header),
        jwt.encode(claims, other, algorithm="EdDSA", headers={**header, "jwk": foreign_jwk}),
        jwt.encode(claims, other, algorithm="EdDSA", headers={**header, "jku": "http://127.0.0.1:1/jwks"}),
        jwt.encode(claims, signer._private, algorithm="EdDSA", headers={**header, "typ": "JWT"}),
        jwt.encode(claims, signer._private, algorithm="EdDSA", headers={**header, "kid": "unknown"}),
        "a.b.c",
        "...",
        "é",
    ]
    for token in forged:
        response = await sample.get("/scoped", headers=bearer(token))
        assert response.status_code == 401, token


async def test_forwarding_12_an_issuer_that_is_down_keeps_the_known_keys(
    signer: Signer, monkeypatch: pytest.MonkeyPatch
):
    calls = 0
    up = True

    def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        return httpx.Response(200, json={"keys": [signer.jwk]}) if up else httpx.Response(503)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        monkeypatch.setattr("shared.identity.jwks._REFETCH_SECONDS", 3600.0)
        keys = RemoteKeys("http://issuer.test/jwks", http)
        assert await keys.find("test-key") is not None
        for _ in range(20):
            assert await keys.find("forged") is None
        assert calls == 1, "an unknown key id must not be a way to make us ask the issuer again and again"
        up = False
        monkeypatch.setattr("shared.identity.jwks._FRESH_SECONDS", 0.0)
        monkeypatch.setattr("shared.identity.jwks._REFETCH_SECONDS", 0.0)
        assert await keys.find("test-key") is not None
        assert calls == 2


async def test_forwarding_12_while_no_key_was_ever_had_a_token_is_503_and_not_refused():
    calls = 0

    async def down(_request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.05)
        return httpx.Response(503)

    async with httpx.AsyncClient(transport=httpx.MockTransport(down)) as http:
        keys = RemoteKeys("http://issuer.test/jwks", http)
        answers = await asyncio.gather(*(keys.find("test-key") for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}
    assert calls == 1, "all who wait are answered by one call"


async def test_a_client_is_made_without_the_environment_proxies():
    async with create_http_client() as http:
        assert http.trust_env is False
