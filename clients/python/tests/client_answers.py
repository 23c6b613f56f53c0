"""Answers that the API gives."""

from typing import Any

USER = {
    "id": 7,
    "name": {"first": "Ada", "last": "Lovelace"},
    "email": "ada@example.com",
    "role": "user",
    "email_verified": True,
    "created_at": "2026-01-01T00:00:00Z",
    "links": {"self": "/api/v2/users/7"},
}
ORDER = {
    "id": 1,
    "user_id": 7,
    "status": "pending",
    "total": "19.98",
    "currency": "EUR",
    "created_at": "2026-01-01T00:00:00Z",
    "items": [{"product_id": 3, "sku": "K-1", "name": "Kettle", "quantity": 2, "unit_price": "9.99"}],
}
PRODUCT = {"id": 3, "sku": "K-1", "name": "Kettle", "description": "", "price": "9.99", "currency": "EUR", "stock": 5}
TOKEN = {"access_token": "second", "token_type": "Bearer", "expires_in": 900, "refresh_token": "r2"}


def problem(status: int, code: str, **more: Any) -> dict[str, Any]:
    """A problem document."""
    return {"type": "about:blank", "title": "No", "status": status, "detail": "Not now.", "code": code, **more}


def page(items: list[dict[str, Any]], total: int, number: int, size: int = 2) -> dict[str, Any]:
    """A page of a list."""
    return {"items": items, "total": total, "page": number, "page_size": size}
