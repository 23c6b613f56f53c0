"""Calls for auth. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from gatehouse_client.asynchronous import AsyncCaller
from gatehouse_client.blocking import Caller
from gatehouse_client.call import Call, headers_of, json_of
from gatehouse_client.models.users import Token


class Auth:
    """Calls for auth."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def log_in(self, *, email: str, password: str, code: str | None = None) -> Token:
        """Log in.

        Begin a session. An unknown address and a wrong password are answered alike, in the same time.

        An account with a second factor needs its `code`, or a recovery code; without one the answer is 401
        `second_factor_required`.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/auth/login",
                operation="POST /api/v1/auth/login",
                headers=headers_of("application/json"),
                content=json_of(code=code, email=email, password=password),
                signed=False,
            ),
            Token,
        )

    def refresh(self, *, refresh_token: str) -> Token:
        """Refresh the tokens.

        Spend a refresh token for a new pair. One that is used twice ends its whole session.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/auth/refresh",
                operation="POST /api/v1/auth/refresh",
                headers=headers_of("application/json"),
                content=json_of(refresh_token=refresh_token),
                signed=False,
            ),
            Token,
        )

    def log_out(self, *, refresh_token: str | None = None) -> None:
        """Log out.

        End the session that the refresh token in the body, or the access token, belongs to.
        """
        self._caller.nothing(
            Call(
                "POST",
                "/api/v1/auth/logout",
                operation="POST /api/v1/auth/logout",
                headers=headers_of("application/json"),
                content=json_of(refresh_token=refresh_token),
                signed=False,
            )
        )

    def verify_email(self, *, token: str) -> None:
        """Confirm one's e-mail address.

        Spend the token of a mailed link, which proves the address that it was mailed to.
        """
        self._caller.nothing(
            Call(
                "POST",
                "/api/v1/auth/verify-email",
                operation="POST /api/v1/auth/verify-email",
                headers=headers_of("application/json"),
                content=json_of(token=token),
                signed=False,
            )
        )

    def resend_verification(self, *, email: str) -> None:
        """Have the link mailed again.

        Mail the link again, when there is an account that needs it; the answer does not say whether.
        """
        self._caller.nothing(
            Call(
                "POST",
                "/api/v1/auth/verify-email/resend",
                operation="POST /api/v1/auth/verify-email/resend",
                headers=headers_of("application/json"),
                content=json_of(email=email),
                signed=False,
            )
        )

    def ask_for_password_reset(self, *, email: str) -> None:
        """Ask for a new password.

        Mail a link to a new password, when there is an account; the answer does not say whether.
        """
        self._caller.nothing(
            Call(
                "POST",
                "/api/v1/auth/password-reset",
                operation="POST /api/v1/auth/password-reset",
                headers=headers_of("application/json"),
                content=json_of(email=email),
                signed=False,
            )
        )

    def reset_password(self, *, password: str, token: str) -> None:
        """Set a new password.

        Spend the token of a mailed link for a new password. All logins end, a second factor stays.
        """
        self._caller.nothing(
            Call(
                "POST",
                "/api/v1/auth/password-reset/confirm",
                operation="POST /api/v1/auth/password-reset/confirm",
                headers=headers_of("application/json"),
                content=json_of(password=password, token=token),
                signed=False,
            )
        )

    def confirm_email_change(self, *, current_password: str, token: str, code: str | None = None) -> None:
        """Confirm one's new e-mail address.

        Spend the token of a mailed link, with the password: the account has the new address. The other
        logins end.
        """
        self._caller.nothing(
            Call(
                "POST",
                "/api/v1/auth/change-email/confirm",
                operation="POST /api/v1/auth/change-email/confirm",
                headers=headers_of("application/json"),
                content=json_of(code=code, current_password=current_password, token=token),
                signed=False,
            )
        )


class AsyncAuth:
    """Calls for auth."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def log_in(self, *, email: str, password: str, code: str | None = None) -> Token:
        """Log in.

        Begin a session. An unknown address and a wrong password are answered alike, in the same time.

        An account with a second factor needs its `code`, or a recovery code; without one the answer is 401
        `second_factor_required`.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/auth/login",
                operation="POST /api/v1/auth/login",
                headers=headers_of("application/json"),
                content=json_of(code=code, email=email, password=password),
                signed=False,
            ),
            Token,
        )

    async def refresh(self, *, refresh_token: str) -> Token:
        """Refresh the tokens.

        Spend a refresh token for a new pair. One that is used twice ends its whole session.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/auth/refresh",
                operation="POST /api/v1/auth/refresh",
                headers=headers_of("application/json"),
                content=json_of(refresh_token=refresh_token),
                signed=False,
            ),
            Token,
        )

    async def log_out(self, *, refresh_token: str | None = None) -> None:
        """Log out.

        End the session that the refresh token in the body, or the access token, belongs to.
        """
        await self._caller.nothing(
            Call(
                "POST",
                "/api/v1/auth/logout",
                operation="POST /api/v1/auth/logout",
                headers=headers_of("application/json"),
                content=json_of(refresh_token=refresh_token),
                signed=False,
            )
        )

    async def verify_email(self, *, token: str) -> None:
        """Confirm one's e-mail address.

        Spend the token of a mailed link, which proves the address that it was mailed to.
        """
        await self._caller.nothing(
            Call(
                "POST",
                "/api/v1/auth/verify-email",
                operation="POST /api/v1/auth/verify-email",
                headers=headers_of("application/json"),
                content=json_of(token=token),
                signed=False,
            )
        )

    async def resend_verification(self, *, email: str) -> None:
        """Have the link mailed again.

        Mail the link again, when there is an account that needs it; the answer does not say whether.
        """
        await self._caller.nothing(
            Call(
                "POST",
                "/api/v1/auth/verify-email/resend",
                operation="POST /api/v1/auth/verify-email/resend",
                headers=headers_of("application/json"),
                content=json_of(email=email),
                signed=False,
            )
        )

    async def ask_for_password_reset(self, *, email: str) -> None:
        """Ask for a new password.

        Mail a link to a new password, when there is an account; the answer does not say whether.
        """
        await self._caller.nothing(
            Call(
                "POST",
                "/api/v1/auth/password-reset",
                operation="POST /api/v1/auth/password-reset",
                headers=headers_of("application/json"),
                content=json_of(email=email),
                signed=False,
            )
        )

    async def reset_password(self, *, password: str, token: str) -> None:
        """Set a new password.

        Spend the token of a mailed link for a new password. All logins end, a second factor stays.
        """
        await self._caller.nothing(
            Call(
                "POST",
                "/api/v1/auth/password-reset/confirm",
                operation="POST /api/v1/auth/password-reset/confirm",
                headers=headers_of("application/json"),
                content=json_of(password=password, token=token),
                signed=False,
            )
        )

    async def confirm_email_change(self, *, current_password: str, token: str, code: str | None = None) -> None:
        """Confirm one's new e-mail address.

        Spend the token of a mailed link, with the password: the account has the new address. The other
        logins end.
        """
        await self._caller.nothing(
            Call(
                "POST",
                "/api/v1/auth/change-email/confirm",
                operation="POST /api/v1/auth/change-email/confirm",
                headers=headers_of("application/json"),
                content=json_of(code=code, current_password=current_password, token=token),
                signed=False,
            )
        )
