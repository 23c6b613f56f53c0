"""What a password must be (the contract's rule, and NIST SP 800-63B section 5.1.1.2 for the blocklist)."""

MIN_LENGTH = 8
MAX_LENGTH = 128

_COMMON = frozenset(
    {
        "abc12345",
        "abcd1234",
        "changeme1",
        "changeme123",
        "iloveyou1",
        "letmein1",
        "letmein123",
        "monkey123",
        "p@ssw0rd",
        "p@ssw0rd1",
        "passw0rd",
        "passw0rd1",
        "password0",
        "password1",
        "password12",
        "password123",
        "q1w2e3r4",
        "qwerty12",
        "qwerty123",
        "qwertyuiop1",
        "sunshine1",
        "welcome1",
        "welcome123",
    }
)
"""The passwords that attackers try first and that satisfy the rule below, case folded."""


def check_password(password: str, email: str = "") -> str:
    """The password, unchanged. Raises ValueError, whose text never repeats the password.

    8 to 128 characters, an upper-case letter and a digit, not a common one, not the e-mail address.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ValueError(f"The password must have {MIN_LENGTH} to {MAX_LENGTH} characters.")
    if not any(letter.isupper() for letter in password):
        raise ValueError("The password must have an upper-case letter.")
    if not any(letter.isdecimal() for letter in password):
        raise ValueError("The password must have a digit.")
    if password.casefold() in _COMMON:
        raise ValueError("The password is one of those that are tried first. Choose another.")
    if email and password.casefold() == email.casefold():
        raise ValueError("The password must not be the e-mail address.")
    return check_encodable(password)


def check_encodable(text: str) -> str:
    """The text, unchanged. Raises ValueError for half a surrogate pair, which JSON can smuggle in."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("The text is not valid Unicode.") from None
    return text
