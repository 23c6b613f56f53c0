"""An issuer of access tokens."""

import time
import uuid
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

ISSUER = "http://gateway.test"


class Issuer:
    """Key pairs by kid, of which ``published`` are in the key set."""

    def __init__(self) -> None:
        self.keys = {"one": Ed25519PrivateKey.generate()}
        self.published = ["one"]

    def add(self, kid: str) -> None:
        self.keys[kid] = Ed25519PrivateKey.generate()
        self.published.append(kid)

    def jwks(self) -> bytes:
        keys = []
        for kid in self.published:
            jwk: dict[str, Any] = OKPAlgorithm.to_jwk(self.keys[kid].public_key(), as_dict=True)
            keys.append({**jwk, "kid": kid, "alg": "EdDSA", "use": "sig"})
        return orjson.dumps({"keys": keys})

    def token(
        self, subject: str = "7", *, kid: str = "one", header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        now = int(time.time())
        payload: dict[str, Any] = {
            "iss": ISSUER,
            "aud": "gatehouse",
            "sub": subject,
            "iat": now,
            "exp": now + 900,
            "jti": str(uuid.uuid4()),
            "scope": "things:read things:write",
            "role": "user",
            "tier": "free",
            **claims,
        }
        payload = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(
            payload, self.keys[kid], algorithm="EdDSA", headers={"typ": "at+jwt", "kid": kid, **(header or {})}
        )
