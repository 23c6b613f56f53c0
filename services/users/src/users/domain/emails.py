"""E-mail addresses: their syntax, and the one spelling by which two are the same."""

import unicodedata
from contextlib import suppress

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

MAX_LENGTH = 254


def check_email(text: str) -> str:
    """The address as it is kept: as written, the domain in lower case. Raises ValueError.

    Syntax only (RFC 5321, 6531): whether mail arrives, the welcome mail shows.
    """
    return _parse(text).normalized


def _parse(text: str) -> ValidatedEmail:
    try:
        # "test_environment" takes the domain .test too, which RFC 6761 keeps for exactly that.
        return validate_email(text, check_deliverability=False, test_environment=True, strict=True)
    except (EmailNotValidError, UnicodeError) as error:
        raise ValueError("The e-mail address is not valid.") from error


def email_key(email: str) -> str:
    """The spelling under which an address is unique: case does not tell people apart.

    What is no address has a key too, one that no account has.
    """
    with suppress(ValueError):
        email = check_email(email.strip())
    return unicodedata.normalize("NFC", email.strip().casefold())
