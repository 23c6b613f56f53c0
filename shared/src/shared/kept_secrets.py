"""Secrets that are needed in plain again, as they are kept: encrypted."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


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


def split_keys(text: str) -> tuple[str, ...]:
    """Fernet keys from a list with commas, the one to encrypt with first. Raises ValueError for what is none."""
    keys = tuple(part.strip() for part in text.split(",") if part.strip())
    if not keys:
        raise ValueError("there is no key")
    for key in keys:
        Fernet(key)
    return keys
