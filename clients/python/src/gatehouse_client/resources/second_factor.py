"""Calls for second factor. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from gatehouse_client.asynchronous import AsyncCaller
from gatehouse_client.blocking import Caller
from gatehouse_client.call import Call, headers_of, json_of, path_of
from gatehouse_client.models.users import NewSecondFactor, RecoveryCodes, SecondFactor


class SecondFactor:
    """Calls for second factor."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def get(self) -> SecondFactor:
        """Show one's second factor.

        Whether it is on.
        """
        return self._caller.model(
            Call("GET", "/api/v1/users/me/second-factor", operation="GET /api/v1/users/me/second-factor"), SecondFactor
        )

    def begin(self, *, current_password: str, code: str | None = None) -> NewSecondFactor:
        """Begin a second factor.

        Make a secret for an authenticator app. It counts for nothing until a code of it is confirmed.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/users/me/second-factor",
                operation="POST /api/v1/users/me/second-factor",
                headers=headers_of("application/json"),
                content=json_of(code=code, current_password=current_password),
            ),
            NewSecondFactor,
        )

    def confirm(self, *, code: str) -> RecoveryCodes:
        """Turn a second factor on.

        Turn the factor on by the code that the app shows, within 15 minutes; ten recovery codes, shown
        once.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/users/me/second-factor/confirm",
                operation="POST /api/v1/users/me/second-factor/confirm",
                headers=headers_of("application/json"),
                content=json_of(code=code),
            ),
            RecoveryCodes,
        )

    def turn_off(self, *, current_password: str, code: str | None = None) -> None:
        """Turn one's second factor off.

        Turn the factor off with the password and a code of it; its recovery codes go with it.
        """
        self._caller.nothing(
            Call(
                "DELETE",
                "/api/v1/users/me/second-factor",
                operation="DELETE /api/v1/users/me/second-factor",
                headers=headers_of("application/json"),
                content=json_of(code=code, current_password=current_password),
            )
        )

    def renew_recovery_codes(self, *, current_password: str, code: str | None = None) -> RecoveryCodes:
        """Make new recovery codes.

        Make ten recovery codes; the old ones end.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/users/me/second-factor/recovery-codes",
                operation="POST /api/v1/users/me/second-factor/recovery-codes",
                headers=headers_of("application/json"),
                content=json_of(code=code, current_password=current_password),
            ),
            RecoveryCodes,
        )

    def reset(self, user_id: int) -> None:
        """Reset another's second factor.

        As an admin, remove the factor of somebody who lost it. One's own needs its code, or another admin.
        """
        self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/users/{}/second-factor", user_id),
                operation="DELETE /api/v1/users/{user_id}/second-factor",
            )
        )


class AsyncSecondFactor:
    """Calls for second factor."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def get(self) -> SecondFactor:
        """Show one's second factor.

        Whether it is on.
        """
        return await self._caller.model(
            Call("GET", "/api/v1/users/me/second-factor", operation="GET /api/v1/users/me/second-factor"), SecondFactor
        )

    async def begin(self, *, current_password: str, code: str | None = None) -> NewSecondFactor:
        """Begin a second factor.

        Make a secret for an authenticator app. It counts for nothing until a code of it is confirmed.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/users/me/second-factor",
                operation="POST /api/v1/users/me/second-factor",
                headers=headers_of("application/json"),
                content=json_of(code=code, current_password=current_password),
            ),
            NewSecondFactor,
        )

    async def confirm(self, *, code: str) -> RecoveryCodes:
        """Turn a second factor on.

        Turn the factor on by the code that the app shows, within 15 minutes; ten recovery codes, shown
        once.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/users/me/second-factor/confirm",
                operation="POST /api/v1/users/me/second-factor/confirm",
                headers=headers_of("application/json"),
                content=json_of(code=code),
            ),
            RecoveryCodes,
        )

    async def turn_off(self, *, current_password: str, code: str | None = None) -> None:
        """Turn one's second factor off.

        Turn the factor off with the password and a code of it; its recovery codes go with it.
        """
        await self._caller.nothing(
            Call(
                "DELETE",
                "/api/v1/users/me/second-factor",
                operation="DELETE /api/v1/users/me/second-factor",
                headers=headers_of("application/json"),
                content=json_of(code=code, current_password=current_password),
            )
        )

    async def renew_recovery_codes(self, *, current_password: str, code: str | None = None) -> RecoveryCodes:
        """Make new recovery codes.

        Make ten recovery codes; the old ones end.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/users/me/second-factor/recovery-codes",
                operation="POST /api/v1/users/me/second-factor/recovery-codes",
                headers=headers_of("application/json"),
                content=json_of(code=code, current_password=current_password),
            ),
            RecoveryCodes,
        )

    async def reset(self, user_id: int) -> None:
        """Reset another's second factor.

        As an admin, remove the factor of somebody who lost it. One's own needs its code, or another admin.
        """
        await self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/users/{}/second-factor", user_id),
                operation="DELETE /api/v1/users/{user_id}/second-factor",
            )
        )
