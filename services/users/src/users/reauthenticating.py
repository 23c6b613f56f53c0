"""Re-authentication: whoever changes what guards an account shows the password again (ASVS 5, 7.5.1)."""

from shared.postgres import Database
from shared.problems import Forbidden, Unauthorized
from users.domain.account import User
from users.domain.sessions import Client
from users.resources import UsersResources
from users.second_factor import SecondFactorRequired, check_second_factor
from users.signing_in import check_password


class ReauthenticationFailed(Forbidden):
    """The password, or the code of the second factor, is not the account's."""

    def __init__(self) -> None:
        super().__init__("reauthentication_failed", "The current password, or the code, is wrong.")


class CodeNeeded(Forbidden):
    """The password is right, and the account has a second factor."""

    def __init__(self) -> None:
        super().__init__("second_factor_required", "Send the code of the second factor as well.")


async def reauthenticate(  # noqa: PLR0917 - what there is to check
    database: Database, own: UsersResources, user: User, current_password: str, code: str | None, client: Client
) -> User:
    """The account, once it is clear that its owner asks; failures count as those of a login do.

    No connection is held while the password is checked. Raises ReauthenticationFailed, CodeNeeded, TooManyRequests,
    and Unavailable when too many passwords are checked at once.
    """
    try:
        known = await check_password(database, own, user.email, current_password, client)
        if known.id != user.id:
            raise ReauthenticationFailed
        await check_second_factor(database, own, known, code, client)
    except SecondFactorRequired:
        raise CodeNeeded from None
    except Unauthorized:
        raise ReauthenticationFailed from None
    return known
