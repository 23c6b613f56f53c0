"""Calls for orders. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from collections.abc import Sequence

from gatehouse_client.asynchronous import AsyncCaller, AsyncPages
from gatehouse_client.blocking import Caller, Pages
from gatehouse_client.call import Call, Match, headers_of, json_of, path_of, query_of
from gatehouse_client.model import Page
from gatehouse_client.models.orders import Order, OrderLine, OrderStatus


class Orders:
    """Calls for orders."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def place(self, *, items: Sequence[OrderLine], idempotency_key: str | None = None) -> Order:
        """Place an order."""
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/orders",
                operation="POST /api/v1/orders",
                headers=headers_of("application/json", keyed=True, idempotency_key=idempotency_key),
                content=json_of(items=items),
            ),
            Order,
        )

    def list(
        self,
        *,
        user_id: int | None = None,
        status: OrderStatus | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> Pages[Order]:
        """List orders."""
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/orders",
                operation="GET /api/v1/orders",
                query=query_of(user_id=user_id, status=status, page=page, page_size=page_size),
            ),
            Page[Order],
        )

    def get(self, order_id: int) -> Order:
        """Read an order."""
        return self._caller.model(
            Call("GET", path_of("/api/v1/orders/{}", order_id), operation="GET /api/v1/orders/{order_id}"), Order
        )

    def change(
        self, order_id: int, *, status: OrderStatus, idempotency_key: str | None = None, if_match: Match | None = None
    ) -> Order:
        """Lead an order to its next status.

        An owner may cancel; an admin may take every step that the state machine has.
        """
        return self._caller.model(
            Call(
                "PATCH",
                path_of("/api/v1/orders/{}", order_id),
                operation="PATCH /api/v1/orders/{order_id}",
                headers=headers_of("application/json", keyed=True, idempotency_key=idempotency_key, if_match=if_match),
                content=json_of(status=status),
            ),
            Order,
        )


class AsyncOrders:
    """Calls for orders."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def place(self, *, items: Sequence[OrderLine], idempotency_key: str | None = None) -> Order:
        """Place an order."""
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/orders",
                operation="POST /api/v1/orders",
                headers=headers_of("application/json", keyed=True, idempotency_key=idempotency_key),
                content=json_of(items=items),
            ),
            Order,
        )

    def list(
        self,
        *,
        user_id: int | None = None,
        status: OrderStatus | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> AsyncPages[Order]:
        """List orders."""
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/orders",
                operation="GET /api/v1/orders",
                query=query_of(user_id=user_id, status=status, page=page, page_size=page_size),
            ),
            Page[Order],
        )

    async def get(self, order_id: int) -> Order:
        """Read an order."""
        return await self._caller.model(
            Call("GET", path_of("/api/v1/orders/{}", order_id), operation="GET /api/v1/orders/{order_id}"), Order
        )

    async def change(
        self, order_id: int, *, status: OrderStatus, idempotency_key: str | None = None, if_match: Match | None = None
    ) -> Order:
        """Lead an order to its next status.

        An owner may cancel; an admin may take every step that the state machine has.
        """
        return await self._caller.model(
            Call(
                "PATCH",
                path_of("/api/v1/orders/{}", order_id),
                operation="PATCH /api/v1/orders/{order_id}",
                headers=headers_of("application/json", keyed=True, idempotency_key=idempotency_key, if_match=if_match),
                content=json_of(status=status),
            ),
            Order,
        )
