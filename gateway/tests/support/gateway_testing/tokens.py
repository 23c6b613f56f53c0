"""An issuer of access tokens."""

import time
import uuid
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

ISSUER = "http://gateway.test"


class Issuer:
    """Key pairs by kid, of which ``published`` are in the key set."""

    def __init__(self) -> None:
        self.keys: dict[str, Ed25519PrivateKey | ec.EllipticCurvePrivateKey] = {"one": Ed25519PrivateKey.generate()}
        self.published = ["one"]

    def add(self, kid: str, algorithm: str = "EdDSA") -> None:
        self.keys[kid] = (
            Ed25519PrivateKey.generate() if algorithm == "EdDSA" else ec.generate_private_key(ec.SECP256R1())
        )
        self.published.append(kid)

    def jwks(self) -> bytes:
        keys = []
        for kid in self.published:
            public = self.keys[kid].public_key()
            if isinstance(public, Ed25519PublicKey):
                jwk: dict[str, Any] = OKPAlgorithm.to_jwk(public, as_dict=True)
            else:
                jwk = ECAlgorithm.to_jwk(public, as_dict=True)
            keys.append({**jwk, "kid": kid, "alg": self.algorithm(kid), "use": "sig"})
        return orjson.dumps({"keys": keys})

    def algorithm(self, kid: str) -> str:
        return "EdDSA" if isinstance(self.keys[kid], Ed25519PrivateKey) else "ES256"

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
            payload,
            self.keys[kid],
            algorithm=self.algorithm(kid),
            headers={"typ": "at+jwt", "kid": kid, **(header or {})},
        )
