"""Access tokens as the users service makes them, signed by a key of the test's own."""

import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

ISSUER = "http://gateway.test"
AUDIENCE = "gatehouse"
USER_SCOPES = "users:read users:write orders:read orders:write reports:read reports:write"


class Signer:
    """A key pair: signs tokens, and is the verifier's key source."""

    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.generate()
        public: dict[str, Any] = OKPAlgorithm.to_jwk(self._private.public_key(), as_dict=True)
        self.jwk = {**public, "kid": "test-key", "alg": "EdDSA", "use": "sig"}
        self._key = jwt.PyJWK.from_dict(self.jwk)

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The public key by its id, as a KeySource gives it."""
        return self._key if key_id == "test-key" else None

    def token(self, user_id: int, *, role: str = "user", tier: str = "free", **claims: Any) -> str:
        """A token of this user; any claim may be given another value."""
        now = int(time.time())
        scope = f"{USER_SCOPES} admin" if role == "admin" else USER_SCOPES
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "iat": now,
            "exp": now + 900,
            "jti": str(uuid.uuid4()),
            "scope": scope,
            "role": role,
            "tier": tier,
            **claims,
        }
        return jwt.encode(payload, self._private, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": "test-key"})

    def headers(self, user_id: int, *, role: str = "user", **claims: Any) -> dict[str, str]:
        """The Authorization header of this user."""
        return {"Authorization": f"Bearer {self.token(user_id, role=role, **claims)}"}
