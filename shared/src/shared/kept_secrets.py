"""Secrets that are needed in plain again, as they are kept: encrypted."""

from base64 import urlsafe_b64encode
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SecretUnreadableError(Exception):
    """A kept secret was encrypted with none of the keys that the setting holds."""


class SecretBox:
    """Encrypts with the first key, decrypts with any: a new key is put in front of the old one.

    ``setting`` is the name of the setting that the keys came from, for the error.
    """

    def __init__(self, keys: tuple[str, ...], setting: str) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._setting = setting

    def close(self, secret: str) -> str:
        """The secret as it is kept."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, kept: str) -> str:
        """The secret in plain. Raises SecretUnreadableError."""
        try:
            return self._fernet.decrypt(kept.encode()).decode()
        except InvalidToken:
            raise SecretUnreadableError(f"{self._setting} holds no key that this secret was encrypted with") from None


class SignedTokens:
    """Tokens that we alone can make, with keys derived for one ``purpose``: good for nothing else."""

    def __init__(self, keys: tuple[str, ...], purpose: str) -> None:
        self._fernet = MultiFernet([Fernet(_derived(key, purpose)) for key in keys])

    def make(self, text: str) -> str:
        """A token of the text, by the first key."""
        return self._fernet.encrypt(text.encode()).decode()

    def read(self, token: str, lifetime: timedelta) -> str:
        """The text of a token that one of the keys made. Raises InvalidToken for any other, and one that is older."""
        return self._fernet.decrypt(token.encode(), ttl=int(lifetime.total_seconds())).decode()


def _derived(key: str, purpose: str) -> bytes:
    material = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(key.encode())
    return urlsafe_b64encode(material)


def split_keys(text: str) -> tuple[str, ...]:
    """Fernet keys from a list with commas, the one to encrypt with first. Raises ValueError for what is none."""
    keys = tuple(part.strip() for part in text.split(",") if part.strip())
    if not keys:
        raise ValueError("there is no key")
    for key in keys:
        Fernet(key)
    return keys
