"""A password held to its rules once it is known whose it is to be."""

from shared.problems import FieldError, UnprocessableContent
from users.domain.account import User
from users.domain.passwords import check_password


def strong(password: str, user: User, *, field: str) -> str:
    """The password, unchanged. Raises UnprocessableContent that names ``field`` when it breaks a rule."""
    try:
        return check_password(password, user.email, user.name)
    except ValueError as error:
        wrong = FieldError(field=field, message=str(error))
        raise UnprocessableContent("validation_error", "The input breaks a rule.", errors=[wrong]) from None
