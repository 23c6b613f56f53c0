"""A right body for each route of the table that takes one: what is refused is refused for who asks, not for what."""

from collections.abc import Callable
from typing import Any

from belongings import CSV, Owner, a_product, a_program, a_registration, a_schedule, picture
from e2e_system import sign_in


def _json(body: object) -> dict[str, Any]:
    return {"json": body}


def _sent(content: bytes, media_type: str) -> dict[str, Any]:
    return {"content": content, "headers": {"Content-Type": media_type}}


def _refresh_token(owner: Owner) -> dict[str, Any]:
    tokens = sign_in(owner.client, owner.person.email, owner.person.password)
    return _json({"refresh_token": tokens["refresh_token"]})


def _order(owner: Owner) -> dict[str, Any]:
    owner.path("{product_id}")
    return _json({"items": [{"product_id": owner.ids["product_id"], "quantity": 1}]})


BODIES: dict[str, Callable[[Owner], dict[str, Any]]] = {
    "POST /auth/login": lambda owner: _json({"email": owner.person.email, "password": owner.person.password}),
    "POST /auth/refresh": _refresh_token,
    "POST /auth/logout": _refresh_token,
    "POST /oauth/token": lambda _: {"data": {"grant_type": "client_credentials"}},
    "POST /oauth/revoke": lambda _: {"data": {"token": "unknown"}},
    "POST /oauth/introspect": lambda _: {"data": {"token": "unknown"}},
    # Links come by mail: one that nobody was sent is as good for an owner as for anyone.
    "POST /auth/verify-email": lambda _: _json({"token": "ghv_nobody"}),
    "POST /auth/verify-email/resend": lambda owner: _json({"email": owner.person.email}),
    "POST /auth/password-reset": lambda owner: _json({"email": owner.person.email}),
    "POST /auth/password-reset/confirm": lambda _: _json({"token": "ghp_nobody", "password": "Correct1Horse"}),
    "POST /auth/change-email/confirm": lambda owner: _json(
        {"token": "ghe_nobody", "current_password": owner.person.password}
    ),
    "POST /account/verify-email": lambda _: {"data": {"token": "ghv_nobody"}},
    "POST /account/reset-password": lambda _: {"data": {"token": "ghp_nobody", "password": "Correct1Horse"}},
    "POST /account/change-email": lambda _: {"data": {"token": "ghe_nobody", "current_password": "x"}},
    "POST /oauth/authorize/login": lambda owner: {"data": {"email": owner.person.email, "password": "x"}},
    "POST /oauth/authorize/second-factor": lambda _: {"data": {"code": "000000"}},
    "POST /oauth/authorize/consent": lambda _: {"data": {"decision": "allow"}},
    "POST /users/me/second-factor": lambda owner: _json({"current_password": owner.person.password}),
    "POST /users/me/second-factor/confirm": lambda _: _json({"code": "000000"}),
    "POST /users/me/second-factor/recovery-codes": lambda owner: _json({"current_password": owner.person.password}),
    "DELETE /users/me/second-factor": lambda owner: _json({"current_password": owner.person.password}),
    "POST /users": lambda _: _json(a_registration()),
    "PUT /users/{user_id}": lambda owner: _json({"name": "Ada King", "email": owner.person.email}),
    "PATCH /users/{user_id}": lambda _: _json({"name": "Ada King"}),
    "PUT /users/me/password": lambda owner: _json(
        {"current_password": owner.person.password, "new_password": owner.person.password}
    ),
    "POST /oauth/clients": lambda _: _json(a_program()),
    "PATCH /oauth/clients/{client_id}": lambda _: _json({"name": "Matrix"}),
    "PUT /users/{user_id}/avatar": lambda _: _sent(picture(), "image/png"),
    "POST /users/me/api-keys": lambda _: _json({"name": "matrix", "scopes": ["users:read"]}),
    "POST /products": lambda _: _json(a_product()),
    "PUT /products/{product_id}": lambda _: _json(a_product()),
    "PATCH /products/{product_id}": lambda _: _json({"stock": 7}),
    "POST /products/imports": lambda _: _sent(CSV, "text/csv"),
    "POST /orders": _order,
    "PATCH /orders/{order_id}": lambda _: _json({"status": "cancelled"}),
    "POST /orders/{order_id}/payments": lambda _: _json({}),
    "POST /reports": lambda _: _json({"type": "order_summary", "format": "json", "params": {}}),
    "POST /report-schedules": lambda _: _json(a_schedule()),
    "POST /webhooks": lambda owner: _json({"url": owner.receiver.url, "events": ["orders.placed.v1"]}),
    "PATCH /webhooks/{webhook_id}": lambda _: _json({"description": "matrix"}),
}
"""Options of an httpx request by the row's name; a route that is not here takes no body."""
