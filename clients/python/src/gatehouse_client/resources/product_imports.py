"""Calls for product imports. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID

from gatehouse_client.asynchronous import AsyncCaller, AsyncPages
from gatehouse_client.blocking import Caller, Pages
from gatehouse_client.call import Call, Upload, headers_of, path_of, query_of
from gatehouse_client.model import Page
from gatehouse_client.models.orders import Import, ImportMode, RowError
from gatehouse_client.server_events import Event


class ProductImports:
    """Calls for product imports."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def start(self, content: Upload, *, mode: ImportMode | None = None, idempotency_key: str | None = None) -> Import:
        """Import products from a CSV file.

        Take the file and queue its import, which `Location` names.

        UTF-8, with a first line of `sku,name,price,stock` and, as you like, `description` and `currency`,
        in any order. A known SKU is changed to what the file says, its stock too; a new one is added.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/products/imports",
                operation="POST /api/v1/products/imports",
                query=query_of(mode=mode),
                headers=headers_of("text/csv", keyed=True, idempotency_key=idempotency_key),
                content=content,
            ),
            Import,
        )

    def get(self, import_id: UUID | str) -> Import:
        """See how an import stands."""
        return self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/products/imports/{}", import_id),
                operation="GET /api/v1/products/imports/{import_id}",
            ),
            Import,
        )

    def cancel(self, import_id: UUID | str) -> None:
        """Cancel an import that is not finished.

        Nothing of it is written then, in either mode.
        """
        self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/products/imports/{}", import_id),
                operation="DELETE /api/v1/products/imports/{import_id}",
            )
        )

    def errors(
        self, import_id: UUID | str, *, page: int | None = None, page_size: int | None = None
    ) -> Pages[RowError]:
        """List what is wrong with single rows.

        The first 1,000 wrong fields by line; `bad_rows` of the import counts all bad rows.
        """
        return self._caller.pages(
            Call(
                "GET",
                path_of("/api/v1/products/imports/{}/errors", import_id),
                operation="GET /api/v1/products/imports/{import_id}/errors",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[RowError],
        )

    def watch(self, import_id: UUID | str) -> Iterator[Event]:
        """Watch an import."""
        return self._caller.events(
            Call(
                "GET",
                path_of("/api/v1/products/imports/{}/events", import_id),
                operation="GET /api/v1/products/imports/{import_id}/events",
            )
        )


class AsyncProductImports:
    """Calls for product imports."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def start(
        self, content: Upload, *, mode: ImportMode | None = None, idempotency_key: str | None = None
    ) -> Import:
        """Import products from a CSV file.

        Take the file and queue its import, which `Location` names.

        UTF-8, with a first line of `sku,name,price,stock` and, as you like, `description` and `currency`,
        in any order. A known SKU is changed to what the file says, its stock too; a new one is added.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/products/imports",
                operation="POST /api/v1/products/imports",
                query=query_of(mode=mode),
                headers=headers_of("text/csv", keyed=True, idempotency_key=idempotency_key),
                content=content,
            ),
            Import,
        )

    async def get(self, import_id: UUID | str) -> Import:
        """See how an import stands."""
        return await self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/products/imports/{}", import_id),
                operation="GET /api/v1/products/imports/{import_id}",
            ),
            Import,
        )

    async def cancel(self, import_id: UUID | str) -> None:
        """Cancel an import that is not finished.

        Nothing of it is written then, in either mode.
        """
        await self._caller.nothing(
            Call(
                "DELETE",
                path_of("/api/v1/products/imports/{}", import_id),
                operation="DELETE /api/v1/products/imports/{import_id}",
            )
        )

    def errors(
        self, import_id: UUID | str, *, page: int | None = None, page_size: int | None = None
    ) -> AsyncPages[RowError]:
        """List what is wrong with single rows.

        The first 1,000 wrong fields by line; `bad_rows` of the import counts all bad rows.
        """
        return self._caller.pages(
            Call(
                "GET",
                path_of("/api/v1/products/imports/{}/errors", import_id),
                operation="GET /api/v1/products/imports/{import_id}/errors",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[RowError],
        )

    def watch(self, import_id: UUID | str) -> AsyncIterator[Event]:
        """Watch an import."""
        return self._caller.events(
            Call(
                "GET",
                path_of("/api/v1/products/imports/{}/events", import_id),
                operation="GET /api/v1/products/imports/{import_id}/events",
            )
        )
