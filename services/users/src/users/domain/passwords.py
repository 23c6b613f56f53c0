"""What a password must be: the contract's rule, and a blocklist (NIST SP 800-63B-4 section 3.1.1.2)."""

from functools import cache

from zxcvbn.frequency_lists import FREQUENCY_LISTS

MIN_LENGTH = 8
MAX_LENGTH = 128
_LEAST_PART = 3
"""Letters of a name or address that are looked for in a password."""


def check_password(password: str, email: str = "", name: str = "") -> str:
    """The password, unchanged. Raises ValueError, whose text never repeats the password.

    8 to 128 characters, an upper-case letter and a digit, none of those that are tried first, and not the person's
    name or address with nothing but digits and signs around it.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ValueError(f"The password must have {MIN_LENGTH} to {MAX_LENGTH} characters.")
    if not any(letter.isupper() for letter in password):
        raise ValueError("The password must have an upper-case letter.")
    if not any(letter.isdecimal() for letter in password):
        raise ValueError("The password must have a digit.")
    check_encodable(password)
    if password.casefold() in _common():
        raise ValueError("The password is one of those that are tried first. Choose another.")
    if _says_only(password, email, name):
        raise ValueError("The password must not be made of the name or the e-mail address.")
    return password


def check_encodable(text: str) -> str:
    """The text, unchanged. Raises ValueError for half a surrogate pair, which JSON can smuggle in."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("The text is not valid Unicode.") from None
    return text


@cache
def _common() -> frozenset[str]:
    """The 30,000 most common passwords of zxcvbn, those that satisfy the rule, with some of our own; case folded."""
    listed = (word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_LENGTH and not word.isalpha())
    return frozenset(listed) | {"p@ssw0rd", "p@ssw0rd1", "letmein123", "password0", "qwertyuiop1", "changeme123"}


def _says_only(password: str, email: str, name: str) -> bool:
    """Whether no letter is left when the parts of a name and an address are taken out of a password."""
    rest = password.casefold()
    words = f"{name} {email.replace('@', ' ').replace('.', ' ')} {email.partition('@')[0]} {email}".casefold().split()
    parts = sorted({part for part in words if len(part) >= _LEAST_PART}, key=len, reverse=True)
    left = rest
    for part in parts:
        left = left.replace(part, "")
    return left != rest and not any(letter.isalpha() for letter in left)
