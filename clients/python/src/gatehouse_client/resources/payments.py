"""Calls for payments. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from gatehouse_client.asynchronous import AsyncCaller, AsyncPages
from gatehouse_client.blocking import Caller, Pages
from gatehouse_client.call import Call, headers_of, json_of, path_of, query_of
from gatehouse_client.model import Page
from gatehouse_client.models.orders import Payment, PaymentMethod


class Payments:
    """Calls for payments."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def pay(self, order_id: int, *, method: PaymentMethod | None = None, idempotency_key: str | None = None) -> Payment:
        """Pay an order."""
        return self._caller.model(
            Call(
                "POST",
                path_of("/api/v1/orders/{}/payments", order_id),
                operation="POST /api/v1/orders/{order_id}/payments",
                headers=headers_of("application/json", keyed=True, idempotency_key=idempotency_key),
                content=json_of(method=method),
            ),
            Payment,
        )

    def list(self, order_id: int, *, page: int | None = None, page_size: int | None = None) -> Pages[Payment]:
        """List the attempts to pay an order."""
        return self._caller.pages(
            Call(
                "GET",
                path_of("/api/v1/orders/{}/payments", order_id),
                operation="GET /api/v1/orders/{order_id}/payments",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[Payment],
        )

    def get(self, order_id: int, payment_id: int) -> Payment:
        """Read one attempt to pay an order."""
        return self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/orders/{}/payments/{}", order_id, payment_id),
                operation="GET /api/v1/orders/{order_id}/payments/{payment_id}",
            ),
            Payment,
        )


class AsyncPayments:
    """Calls for payments."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def pay(
        self, order_id: int, *, method: PaymentMethod | None = None, idempotency_key: str | None = None
    ) -> Payment:
        """Pay an order."""
        return await self._caller.model(
            Call(
                "POST",
                path_of("/api/v1/orders/{}/payments", order_id),
                operation="POST /api/v1/orders/{order_id}/payments",
                headers=headers_of("application/json", keyed=True, idempotency_key=idempotency_key),
                content=json_of(method=method),
            ),
            Payment,
        )

    def list(self, order_id: int, *, page: int | None = None, page_size: int | None = None) -> AsyncPages[Payment]:
        """List the attempts to pay an order."""
        return self._caller.pages(
            Call(
                "GET",
                path_of("/api/v1/orders/{}/payments", order_id),
                operation="GET /api/v1/orders/{order_id}/payments",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[Payment],
        )

    async def get(self, order_id: int, payment_id: int) -> Payment:
        """Read one attempt to pay an order."""
        return await self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/orders/{}/payments/{}", order_id, payment_id),
                operation="GET /api/v1/orders/{order_id}/payments/{payment_id}",
            ),
            Payment,
        )
