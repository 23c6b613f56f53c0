"""Who may look at the console: an admin by an access token, or whoever knows ADMIN_TOKEN.

The token comes in ``Authorization`` alone, which no page of another site can make a browser send: there is no cookie
that could be used behind a person's back.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from gateway.identity.authorize import invalid_token, unauthorized
from gateway.identity.tokens import InvalidTokenError, UnknownKeyError
from gateway.problem import Refusal

if TYPE_CHECKING:
    from gateway.data.request_head import RequestHead
    from gateway.identity.principal import Principal
    from gateway.runtime import Gateway

_ROLE = "admin"
_KEYS_SECONDS = 5.0


class Access:
    """Of one request; ``holds`` may be asked again for as long as it lasts."""

    def __init__(self, gateway: Gateway, token: bytes) -> None:
        self._gateway = gateway
        self._token = token

    @classmethod
    async def of(cls, gateway: Gateway, head: RequestHead) -> Access:
        """Raises Refusal: 401 without a token that holds, 403 for somebody who is no admin."""
        authorization = head.fields.get(b"authorization")
        if authorization is None:
            raise unauthorized()
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            raise invalid_token("The authorization scheme is not taken.")
        access = cls(gateway, token.strip())
        if access._by_admin_token():
            return access
        try:
            principal = await access._principal()
        except InvalidTokenError as error:
            raise invalid_token(str(error)) from error
        except UnknownKeyError as error:
            raise invalid_token("The token is signed by an unknown key.") from error
        if principal.role != _ROLE:
            raise Refusal(403, "forbidden", "The console is for admins.")
        return access

    def holds(self) -> bool:
        """Whether the token still does: it may end, and be ended, while somebody watches."""
        if self._by_admin_token():
            return True
        try:
            return self._known().role == _ROLE
        except (InvalidTokenError, UnknownKeyError):
            return False

    def _by_admin_token(self) -> bool:
        wanted = self._gateway.settings.admin_token.get_secret_value().encode()
        return bool(wanted) and secrets.compare_digest(self._token, wanted)

    def _known(self) -> Principal:
        verifier = self._gateway.verifier
        return verifier.cached(self._token) or verifier.verify(self._token)

    async def _principal(self) -> Principal:
        try:
            return self._known()
        except UnknownKeyError:
            fetched = asyncio.Event()
            if not self._gateway.table.identifies or not self._gateway.keys.refetch(fetched.set):
                raise
            try:
                async with asyncio.timeout(_KEYS_SECONDS):
                    await fetched.wait()
            except TimeoutError:
                raise UnknownKeyError from None
            return self._known()
