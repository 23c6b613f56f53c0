"""The secrets that deliveries are signed with, as they are kept: encrypted, since signing needs them plain."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class SecretUnreadableError(Exception):
    """A kept secret was encrypted with none of the keys of ``WEBHOOKS_KEY``."""


class SecretBox:
    """Encrypts with the first key, decrypts with any: a new key is put in front of the old one."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def close(self, secret: str) -> str:
        """The secret as it is kept."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, kept: str) -> str:
        """The secret in plain. Raises SecretUnreadableError."""
        try:
            return self._fernet.decrypt(kept.encode()).decode()
        except InvalidToken:
            raise SecretUnreadableError("WEBHOOKS_KEY holds no key that this secret was encrypted with") from None
