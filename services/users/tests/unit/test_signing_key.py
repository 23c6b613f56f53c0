"""The key file: what stops the start, and the key's id."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from users.signing_key import SigningKey, UnusableKeyError


def _write(path: Path, key: Ed25519PrivateKey | rsa.RSAPrivateKey, mode: int) -> Path:
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
