"""Input fields with the rules of the domain."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from users.domain.emails import MAX_LENGTH as EMAIL_LENGTH
from users.domain.emails import check_email
from users.domain.names import check_name
from users.domain.passwords import check_encodable

PersonName = Annotated[
    str,
    AfterValidator(check_name),
    Field(
        description="1 to 100 letters of any script, spaces, - and '.",
        examples=["Ada Lovelace"],
        json_schema_extra={"minLength": 1, "maxLength": 100},
    ),
]

Email = Annotated[
    str,
    AfterValidator(lambda text: check_email(text.strip())),
    Field(examples=["ada@example.com"], json_schema_extra={"format": "email", "maxLength": EMAIL_LENGTH}),
]


def _check_secret(secret: SecretStr) -> SecretStr:
    check_encodable(secret.get_secret_value())
    return secret


Password = Annotated[SecretStr, AfterValidator(_check_secret), Field(examples=["Correct-Horse-7"])]
"""A password as typed: nothing is stripped off, and it prints as asterisks."""

Code = Annotated[SecretStr, AfterValidator(_check_secret), Field(max_length=64, examples=["123456"])]
"""A code of the second factor, or a recovery code; it prints as asterisks."""

Text = Annotated[str, AfterValidator(check_encodable)]
"""Any text that is valid Unicode."""
