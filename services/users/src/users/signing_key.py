"""A key that access tokens are signed with, and its public half as JWK (RFC 7517, 7518, 8037, 7638)."""

import base64
import hashlib
import json
import stat
from pathlib import Path
from typing import TypeAlias

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from shared.settings import UnusableSettingError
from users.domain.signing_keys import Algorithm

PrivateKey: TypeAlias = Ed25519PrivateKey | EllipticCurvePrivateKey
_P256_BYTES = 32


class UnusableKeyError(UnusableSettingError):
    """The key file is not there, is no Ed25519 or P-256 key in PEM, or others may read it; a kept key does not open."""


class SigningKey:
    """A key pair: Ed25519 for EdDSA, P-256 for ES256. Raises ValueError for any other."""

    def __init__(self, private: PrivateKey) -> None:
        self.private = private
        self.algorithm, public = _public(private)
        # RFC 7638: SHA-256 over the required members, sorted, without space.
        canonical = json.dumps(public, separators=(",", ":"), sort_keys=True)
        self.key_id = _base64url(hashlib.sha256(canonical.encode()).digest())
        self.jwk = {**public, "kid": self.key_id, "alg": self.algorithm.value, "use": "sig"}
        self._verifying = jwt.PyJWK.from_dict(self.jwk)

    @classmethod
    def generate(cls, algorithm: Algorithm = Algorithm.EDDSA) -> "SigningKey":
        """A new key."""
        return cls(Ed25519PrivateKey.generate() if algorithm is Algorithm.EDDSA else generate_private_key(SECP256R1()))

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
        if private_only and mode & stat.S_IROTH:
            raise UnusableKeyError("TOKEN_PRIVATE_KEY_FILE: it can be read by others; take that right away (chmod o-r)")
        if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey):
            raise UnusableKeyError("TOKEN_PRIVATE_KEY_FILE: it is not an Ed25519 or P-256 key")
        try:
            return cls(key)
        except ValueError:
            raise UnusableKeyError("TOKEN_PRIVATE_KEY_FILE: it is not an Ed25519 or P-256 key") from None

    @classmethod
    def from_pkcs8(cls, content: bytes) -> "SigningKey":
        """The key of ``pkcs8``. Raises ValueError."""
        key = load_der_private_key(content, password=None)
        if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey):
            raise ValueError("not an Ed25519 or P-256 key")  # noqa: TRY004 - a value that was read, not an argument
        return cls(key)

    @property
    def pkcs8(self) -> bytes:
        """The private key in DER, in plain."""
        return self.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The public key by its id, as a KeySource gives it."""
        return self._verifying if key_id == self.key_id else None


def _public(private: PrivateKey) -> tuple[Algorithm, dict[str, str]]:
    if isinstance(private, Ed25519PrivateKey):
        raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return Algorithm.EDDSA, {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    if not isinstance(private.curve, SECP256R1):
        raise ValueError("not a key of the curve P-256")  # noqa: TRY004 - a value that was read, not an argument
    point = private.public_key().public_numbers()
    # RFC 7518 section 6.2.1.2: as many bytes as the curve has, leading zeros kept.
    x, y = (_base64url(number.to_bytes(_P256_BYTES, "big")) for number in (point.x, point.y))
    return Algorithm.ES256, {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
