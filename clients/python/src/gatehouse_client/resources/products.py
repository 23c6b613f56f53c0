"""Calls for products. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from decimal import Decimal

from gatehouse_client.asynchronous import AsyncCaller, AsyncPages
from gatehouse_client.blocking import Caller, Pages
from gatehouse_client.call import Call, Match, headers_of, json_of, path_of, query_of
from gatehouse_client.model import Page
from gatehouse_client.models.orders import Product


class Products:
    """Calls for products."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(
        self, *, sku: str | None = None, q: str | None = None, page: int | None = None, page_size: int | None = None
    ) -> Pages[Product]:
        """List products."""
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/products",
                operation="GET /api/v1/products",
                query=query_of(sku=sku, q=q, page=page, page_size=page_size),
            ),
            Page[Product],
        )

    def create(
        self,
        *,
        name: str,
        price: Decimal | str,
        sku: str,
        stock: int,
        currency: str | None = None,
        description: str | None = None,
    ) -> Product:
        """Add a product."""
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/products",
                operation="POST /api/v1/products",
                headers=headers_of("application/json"),
                content=json_of(
                    currency=currency, description=description, name=name, price=price, sku=sku, stock=stock
                ),
            ),
            Product,
        )

    def get(self, product_id: int) -> Product:
        """Read a product."""
        return self._caller.model(
            Call("GET", path_of("/api/v1/products/{}", product_id), operation="GET /api/v1/products/{product_id}"),
            Product,
        )

    def replace(
        self,
        product_id: int,
        *,
        name: str,
        price: Decimal | str,
        sku: str,
        stock: int,
        currency: str | None = None,
        description: str | None = None,
        if_match: Match | None = None,
    ) -> Product:
        """Replace a product."""
        return self._caller.model(
            Call(
                "PUT",
                path_of("/api/v1/products/{}", product_id),
                operation="PUT /api/v1/products/{product_id}",
                headers=headers_of("application/json", if_match=if_match),
                content=json_of(
                    currency=currency, description=description, name=name, price=price, sku=sku, stock=stock
                ),
            ),
            Product,
        )

    def change(
        self,
        product_id: int,
        *,
        currency: str | None = None,
        description: str | None = None,
        name: str | None = None,
        price: Decimal | str | None = None,
        sku: str | None = None,
        stock: int | None = None,
        if_match: Match | None = None,
    ) -> Product:
        """Change fields of a product."""
        return self._caller.model(
            Call(
                "PATCH",
                path_of("/api/v1/products/{}", product_id),
                operation="PATCH /api/v1/products/{product_id}",
                headers=headers_of("application/json", if_match=if_match),
                content=json_of(
                    currency=currency, description=description, name=name, price=price, sku=sku, stock=stock
                ),
            ),
            Product,
        )

    def delete(self, product_id: int, *, if_match: Match | None = None) -> None:
        """Delete a product."""
        self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/products/{}", product_id),
                operation="DELETE /api/v1/products/{product_id}",
                headers=headers_of(if_match=if_match),
            )
        )


class AsyncProducts:
    """Calls for products."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    def list(
        self, *, sku: str | None = None, q: str | None = None, page: int | None = None, page_size: int | None = None
    ) -> AsyncPages[Product]:
        """List products."""
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/products",
                operation="GET /api/v1/products",
                query=query_of(sku=sku, q=q, page=page, page_size=page_size),
            ),
            Page[Product],
        )

    async def create(
        self,
        *,
        name: str,
        price: Decimal | str,
        sku: str,
        stock: int,
        currency: str | None = None,
        description: str | None = None,
    ) -> Product:
        """Add a product."""
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/products",
                operation="POST /api/v1/products",
                headers=headers_of("application/json"),
                content=json_of(
                    currency=currency, description=description, name=name, price=price, sku=sku, stock=stock
                ),
            ),
            Product,
        )

    async def get(self, product_id: int) -> Product:
        """Read a product."""
        return await self._caller.model(
            Call("GET", path_of("/api/v1/products/{}", product_id), operation="GET /api/v1/products/{product_id}"),
            Product,
        )

    async def replace(
        self,
        product_id: int,
        *,
        name: str,
        price: Decimal | str,
        sku: str,
        stock: int,
        currency: str | None = None,
        description: str | None = None,
        if_match: Match | None = None,
    ) -> Product:
        """Replace a product."""
        return await self._caller.model(
            Call(
                "PUT",
                path_of("/api/v1/products/{}", product_id),
                operation="PUT /api/v1/products/{product_id}",
                headers=headers_of("application/json", if_match=if_match),
                content=json_of(
                    currency=currency, description=description, name=name, price=price, sku=sku, stock=stock
                ),
            ),
            Product,
        )

    async def change(
        self,
        product_id: int,
        *,
        currency: str | None = None,
        description: str | None = None,
        name: str | None = None,
        price: Decimal | str | None = None,
        sku: str | None = None,
        stock: int | None = None,
        if_match: Match | None = None,
    ) -> Product:
        """Change fields of a product."""
        return await self._caller.model(
            Call(
                "PATCH",
                path_of("/api/v1/products/{}", product_id),
                operation="PATCH /api/v1/products/{product_id}",
                headers=headers_of("application/json", if_match=if_match),
                content=json_of(
                    currency=currency, description=description, name=name, price=price, sku=sku, stock=stock
                ),
            ),
            Product,
        )

    async def delete(self, product_id: int, *, if_match: Match | None = None) -> None:
        """Delete a product."""
        await self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/products/{}", product_id),
                operation="DELETE /api/v1/products/{product_id}",
                headers=headers_of(if_match=if_match),
            )
        )
