"""Private signing keys as they are kept: encrypted, so that a copy of the database signs nothing."""

from contextlib import suppress

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from users.signing_key import SigningKey, UnusableKeyError


class KeyBox:
    """Encrypts with the first key, decrypts with any: a new key is put in front of the old one."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._first = Fernet(keys[0])
        self._any = MultiFernet([Fernet(key) for key in keys])

    def close(self, key: SigningKey) -> str:
        """The private key as it is kept."""
        return self._first.encrypt(key.pkcs8).decode()

    def open(self, sealed: str, key_id: str) -> SigningKey:
        """The key pair. Raises UnusableKeyError, also for one that is kept under another's id."""
        try:
            key = SigningKey.from_pkcs8(self._any.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            raise UnusableKeyError(
                f"SIGNING_KEYS_KEY: it holds no key that the signing key {key_id} was encrypted with"
            ) from None
        if key.key_id != key_id:
            raise UnusableKeyError(f"signing key {key_id}: another private key is kept under its id")
        return key

    def renewed(self, sealed: str) -> str | None:
        """The same encrypted with the first key; None when it is already, or does not open at all."""
        try:
            self._first.decrypt(sealed.encode())
        except InvalidToken:
            with suppress(InvalidToken):
                return self._any.rotate(sealed.encode()).decode()
        return None
