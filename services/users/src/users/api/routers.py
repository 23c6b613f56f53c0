"""All routes: v1, v2 (v1 again but for one route), and what has no version."""

from fastapi import APIRouter

from shared.web import create_version
from users.api import account_pages, internal, well_known
from users.api.oauth import authorize, introspect, metadata, reopened, revoke, token
from users.api.v1 import (
    account_links,
    api_keys,
    audit,
    auth,
    avatars,
    oauth_clients,
    passwords,
    second_factor,
    sessions,
)
from users.api.v1 import users as users_v1
from users.api.v2 import users as users_v2


def create_bare_routers() -> list[APIRouter]:
    """Routers of bodies that are no JSON."""
    bare = (avatars.router, token.router, revoke.router, introspect.router, authorize.router, reopened.router)
    return [create_version("v1", bare), create_version("v2", bare), account_pages.router]


def create_routers() -> list[APIRouter]:
    """Routers to include in the application."""
    # /users/me stands before /users/{user_id}, which would take "me" for an id.
    same = (
        auth.router,
        account_links.router,
        passwords.router,
        sessions.router,
        api_keys.router,
        second_factor.router,
        second_factor.reset_router,
        users_v1.router,
        audit.router,
        audit.own_router,
        oauth_clients.router,
    )
    return [
        create_version("v1", (*same, users_v1.single_router)),
        create_version("v2", (*same, users_v2.single_router)),
        internal.router,
        well_known.router,
        metadata.router,
    ]
