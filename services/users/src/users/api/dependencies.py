"""What an endpoint asks for by type: the caller as the account stands now, the client, our resources."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security

from shared.identity import Principal, signed_in
from shared.postgres import Connection
from shared.problems import Forbidden, Unauthorized
from shared.web import Transaction, get_resources
from users.api.device_cookie import read_device
from users.api.request_id import request_id
from users.client_address import client_address
from users.domain.account import Changes, Role, User, UserNotFound
from users.domain.emails import email_key
from users.domain.oauth_clients import FIRST_PARTY
from users.domain.sessions import Client
from users.resources import UsersResources
from users.store import users as store

_USER_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the account now, and what the token allows of what it may.

    ``by_application``: the person let an OAuth client in, which is at work here.
    """

    user: User
    is_admin: bool
    scopes: frozenset[str]
    session_id: int | None
    by_application: bool = False

    def check_may_see(self, user_id: int) -> None:
        """Raise UserNotFound for an account that is neither the caller's own nor open to an admin."""
        if not self.is_admin and self.user.id != user_id:
            raise UserNotFound

    def check_own_login(self) -> None:
        """Raise Forbidden for what is not the person's own login: neither key nor client makes what outlives it."""
        if self.session_id is None:
            raise Forbidden("forbidden", "This needs a login; an API key cannot do it.")
        self.check_no_application()

    def check_no_application(self) -> None:
        """Raise Forbidden for an OAuth client: whoever takes it over must not take the account over."""
        if self.by_application:
            raise Forbidden("forbidden", "This needs a login of your own; an application cannot do it.")

    def check_may_change(self, changes: Changes) -> None:
        """Raise Forbidden for a client that changes the address, by which a password is reset."""
        if changes.email is not None and email_key(changes.email) != email_key(self.user.email):
            self.check_no_application()


async def find_caller(connection: Connection, principal: Principal) -> Caller:
    """The caller of a verified token. Raises Unauthorized for one who may not act any more, Forbidden for a program."""
    if principal.is_service:
        raise Forbidden("forbidden", "This is for people: a program has no account.")
    # This service knows at once what other services see when the token ends: deleted, disabled, logged out.
    session = principal.session
    session_id = int(session) if session is not None and session.isdecimal() else None
    user = await store.find_caller(connection, principal.user_id, session_id)
    if user is None:
        raise Unauthorized.invalid_token()
    is_admin = principal.is_admin and user.role is Role.ADMIN
    by_application = principal.client_id not in (None, FIRST_PARTY)
    return Caller(user, is_admin, principal.scopes, session_id, by_application)


async def _caller(principal: Annotated[Principal, Security(signed_in)], connection: Transaction) -> Caller:
    return await find_caller(connection, principal)


Reader = Annotated[Caller, Security(_caller, scopes=["users:read"])]
"""A caller who may read."""

Writer = Annotated[Caller, Security(_caller, scopes=["users:write"])]
"""A caller who may change things."""


PrincipalThatWrites = Annotated[Principal, Security(signed_in, scopes=["users:write"])]
"""What the token says of who may change things, for whoever must not hold a connection: then ``find_caller``."""


def _admin(caller: Reader) -> Caller:
    if not caller.is_admin:
        raise Forbidden("forbidden", "Only an admin may do this.")
    return caller


Admin = Annotated[Caller, Depends(_admin)]
"""An admin."""


def _signed_in_here(caller: Writer) -> Caller:
    caller.check_own_login()
    return caller


SignedInHere = Annotated[Caller, Depends(_signed_in_here)]
"""A caller who may change things and holds a session: an API key must not make another that outlives it,
nor an OAuth client."""


def _own(request: Request) -> UsersResources:
    return get_resources(request).service


Own = Annotated[UsersResources, Depends(_own)]
"""What this process of the service holds."""


def _client(request: Request, own: Own) -> Client:
    peer = request.client.host if request.client else ""
    forwarded_for = ",".join(request.headers.getlist("x-forwarded-for"))
    address = client_address(peer, forwarded_for, own.settings.login.gateway_networks)
    agent = request.headers.get("user-agent", "")[:_USER_AGENT_LENGTH]
    return Client(address, agent, request_id(request), read_device(request))


CallingClient = Annotated[Client, Depends(_client)]
"""Where the request comes from."""
