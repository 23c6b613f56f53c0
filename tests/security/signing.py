"""Tokens signed by the running system's own key: what they lack is all that can refuse them."""

import base64
import json
import time
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from e2e_system import System


def _segment(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@dataclass(frozen=True)
class OwnKey:
    """The key that the system signs with now, as whoever stole it would hold it."""

    kid: str
    algorithm: str
    private: Any
    public_pem: bytes
    published: dict[str, Any]

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        """A token with these claims; ``headers`` change its own."""
        return jwt.encode(claims, self.private, self.algorithm, {"typ": "at+jwt", "kid": self.kid, **headers})


def own_key(system: System, client: httpx.Client) -> OwnKey:
    """Find the key whose public half is published, among the files of the system's state."""
    assert system.state is not None
    published = {key["kid"]: key for key in client.get("/.well-known/jwks.json").json()["keys"]}
    for file in sorted((system.state / "keys").rglob("*.pem")):
        private = load_pem_private_key(file.read_bytes(), None)
        if not isinstance(private, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
            continue
        public = private.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        for kid, key in published.items():
            known = jwt.PyJWK(key)
            if known.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) == pem:
                return OwnKey(kid, known.algorithm_name, private, pem, key)
    raise AssertionError("no file holds the key that is published")


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unverified, with a life that begins now."""
    claims = jwt.decode(token, options={"verify_signature": False})
    now = int(time.time())
    return {**claims, "iat": now, "exp": now + 600}


def by_hand(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """A token as no library would make it."""
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join([*map(_segment, parts), _segment(signature)])
