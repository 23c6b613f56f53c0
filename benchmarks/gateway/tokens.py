"""The issuer that all candidates trust: one key a kind, its key set, and tokens as the platform's own look."""

import json
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "http://issuer.test"
AUDIENCE = "gatehouse"
_LIFE = 6 * 3600


class Issuer:
    """Keys of a run; ``folder`` gets ``jwks.json`` and ``<algorithm>.pem`` (public)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._keys: dict[str, Any] = {
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        }
        makers = {"EdDSA": OKPAlgorithm, "ES256": ECAlgorithm, "RS256": RSAAlgorithm}
        self._jwks = {
            name: {**makers[name].to_jwk(key.public_key(), as_dict=True), "kid": name, "alg": name, "use": "sig"}
            for name, key in self._keys.items()
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "jwks.json").write_text(self.jwks(*self._keys))
        for name, key in self._keys.items():
            pem = key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            (folder / f"{name}.pem").write_bytes(pem)

    def jwks(self, *algorithms: str) -> str:
        """The key set (RFC 7517) of these."""
        return json.dumps({"keys": [self._jwks[name] for name in algorithms]})

    def pem(self, algorithm: str) -> Path:
        """The public key."""
        return self.folder / f"{algorithm}.pem"

    def token(self, algorithm: str, subject: str = "7", age: int = 0) -> str:
        """An access token (RFC 9068) that holds for the run; made ``age`` seconds ago."""
        now = int(time.time()) - age
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "exp": now + _LIFE,
            "jti": str(uuid.uuid4()),
            "scope": "things:read things:write",
            "role": "user",
            "tier": "free",
        }
        return jwt.encode(
            claims, self._keys[algorithm], algorithm=algorithm, headers={"typ": "at+jwt", "kid": algorithm}
        )

    def expired(self, algorithm: str) -> str:
        """One that ended a while ago."""
        return self.token(algorithm, age=2 * _LIFE)

    def forged(self, algorithm: str) -> str:
        """The same token with one bit of the signature's middle turned."""
        head, _, signature = self.token(algorithm).rpartition(".")
        middle = len(signature) // 2
        other = "A" if signature[middle] != "A" else "B"
        return f"{head}.{signature[:middle]}{other}{signature[middle + 1 :]}"
