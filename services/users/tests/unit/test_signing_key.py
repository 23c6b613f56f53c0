"""The key file: what stops the start, and the key's id."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from users.domain.signing_keys import Algorithm
from users.key_box import KeyBox
from users.signing_key import SigningKey, UnusableKeyError


def _write(path: Path, key: Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, mode: int) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(mode)
    return path


def test_the_key_id_is_the_thumbprint_of_rfc_8037():
    # RFC 8037 appendix A.1 and A.3
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(seed))
    assert key.jwk["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert key.key_id == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_file_open_to_others_is_refused_in_production_only(tmp_path: Path):
    path = _write(tmp_path / "key.pem", Ed25519PrivateKey.generate(), 0o644)
    assert SigningKey.read(path, private_only=False)
    with pytest.raises(UnusableKeyError, match="chmod"):
        SigningKey.read(path, private_only=True)
    path.chmod(0o640)
    assert SigningKey.read(path, private_only=True)


def test_what_is_no_key(tmp_path: Path):
    with pytest.raises(UnusableKeyError, match="cannot be read"):
        SigningKey.read(tmp_path / "missing.pem", private_only=False)
    (tmp_path / "text.pem").write_text("no key")
    with pytest.raises(UnusableKeyError, match="PEM"):
        SigningKey.read(tmp_path / "text.pem", private_only=False)
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(UnusableKeyError, match="Ed25519"):
        SigningKey.read(_write(tmp_path / "rsa.pem", rsa_key, 0o600), private_only=False)


def test_an_es256_key_is_told_by_its_file_and_other_curves_are_refused(tmp_path: Path):
    private = ec.generate_private_key(ec.SECP256R1())
    key = SigningKey.read(_write(tmp_path / "p256.pem", private, 0o600), private_only=True)
    assert (key.algorithm, key.jwk["kty"], key.jwk["crv"], key.jwk["alg"]) == ("ES256", "EC", "P-256", "ES256")
    assert [len(key.jwk[name]) for name in ("x", "y")] == [43, 43], "32 bytes each, leading zeros kept"
    p384 = ec.generate_private_key(ec.SECP384R1())
    with pytest.raises(UnusableKeyError, match="P-256"):
        SigningKey.read(_write(tmp_path / "p384.pem", p384, 0o600), private_only=False)


def test_the_thumbprint_of_a_p256_key_is_that_of_its_required_members():
    key = SigningKey.generate(Algorithm.ES256)
    members = {name: key.jwk[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    assert key.key_id == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_kept_key_opens_with_any_of_the_keys_and_with_no_other(algorithm: Algorithm):
    key, (old, new, other) = SigningKey.generate(algorithm), (Fernet.generate_key().decode() for _ in range(3))
    sealed = KeyBox((old,)).close(key)
    assert KeyBox((new, old)).open(sealed, key.key_id).jwk == key.jwk
    with pytest.raises(UnusableKeyError, match=f"SIGNING_KEYS_KEY: it holds no key that the signing key {key.key_id}"):
        KeyBox((other,)).open(sealed, key.key_id)
    with pytest.raises(UnusableKeyError, match="another private key"):
        KeyBox((old,)).open(sealed, "another")
    renewed = KeyBox((new, old)).renewed(sealed)
    assert renewed is not None
    assert KeyBox((new,)).open(renewed, key.key_id).jwk == key.jwk
    assert KeyBox((new,)).renewed(renewed) is None
