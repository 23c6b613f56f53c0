"""The key that access tokens are signed with, and its public half as JWK (RFC 7517, 8037, 7638)."""

import base64
import hashlib
import json
import stat
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from shared.settings import UnusableSettingError


class UnusableKeyError(UnusableSettingError):
    """The key file is not there, is no Ed25519 key in PEM, or others may read it."""


class SigningKey:
    """An Ed25519 key pair; a key source for verifying our own tokens as well."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self.private = private
        raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        public = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
        # RFC 7638: SHA-256 over the required members, sorted, without space.
        canonical = json.dumps(public, separators=(",", ":"), sort_keys=True)
        self.key_id = _base64url(hashlib.sha256(canonical.encode()).digest())
        self.jwk = {**public, "kid": self.key_id, "alg": "EdDSA", "use": "sig"}
        self._verifying = jwt.PyJWK.from_dict(self.jwk)

    @classmethod
    def generate(cls) -> "SigningKey":
        """A key that lives as long as the process."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, path: Path, *, private_only: bool) -> "SigningKey":
        """The key of a PEM file; ``private_only`` refuses a file that every user of the machine can read.

        Raises UnusableKeyError.
        """
        try:
            mode = path.stat().st_mode
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise UnusableKeyError(f"TOKEN_PRIVATE_KEY_FILE: the file cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise UnusableKeyError("TOKEN_PRIVATE_KEY_FILE: it is not a private key in PEM") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise UnusableKeyError("TOKEN_PRIVATE_KEY_FILE: it is not an Ed25519 key")
        if private_only and mode & stat.S_IROTH:
            raise UnusableKeyError("TOKEN_PRIVATE_KEY_FILE: it can be read by others; take that right away (chmod o-r)")
        return cls(key)

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The public key by its id, as a KeySource gives it."""
        return self._verifying if key_id == self.key_id else None


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
