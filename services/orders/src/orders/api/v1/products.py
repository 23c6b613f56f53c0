"""Products: everyone reads, admins write."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from orders import catalogue
from orders.api.dependencies import CatalogueAdmin
from orders.api.v1.schemas import ProductInput, ProductPatch, ProductV1
from orders.store import products
from shared.web import (
    NOT_MODIFIED,
    EntityId,
    Page,
    Paging,
    StaleRead,
    Transaction,
    check_if_match,
    etag,
    problem_responses,
    unless_known,
)

CACHED = {"Cache-Control": "public, max-age=60"}
"""A product may be a minute old to its reader; the stock is checked again when it is ordered."""

_WRITE = problem_responses(401, 403, 404, 409, 412)


def products_router(view: type[ProductV1] = ProductV1) -> APIRouter:
    """The routes of products; ``view`` is the version's body of a product."""
    router = APIRouter(prefix="/products", tags=["products"])

    @router.get("", response_model=Page[view], summary="List products")
    async def list_products(
        connection: StaleRead,
        paging: Paging,
        sku: Annotated[str | None, Query(max_length=64, description="Only the product with this SKU.")] = None,
        q: Annotated[str | None, Query(max_length=200, description="Words of the name or the SKU.")] = None,
    ) -> Page[ProductV1]:
        found, total = await products.page(connection, sku=sku, words=q, limit=paging.page_size, offset=paging.offset)
        return Page.of([view.of(product) for product in found], total, paging)

    @router.get(
        "/{product_id}", response_model=view, summary="Read a product", responses=NOT_MODIFIED | problem_responses(404)
    )
    async def read_product(
        product_id: EntityId, request: Request, response: Response, connection: Transaction
    ) -> ProductV1 | Response:
        product = await catalogue.get_product(connection, product_id)
        return unless_known(request, response, etag(product.version), view.of(product), CACHED)

    @router.post(
        "",
        response_model=view,
        status_code=201,
        summary="Add a product",
        responses=problem_responses(401, 403, 409),
    )
    async def add_product(
        _admin: CatalogueAdmin, payload: ProductInput, request: Request, response: Response, connection: Transaction
    ) -> ProductV1:
        product = await catalogue.add_product(connection, payload.fields())
        response.headers["Location"] = f"{request.url.path}/{product.id}"
        response.headers["ETag"] = etag(product.version)
        return view.of(product)

    @router.put("/{product_id}", response_model=view, summary="Replace a product", responses=_WRITE)
    async def replace_product(
        _admin: CatalogueAdmin,
        product_id: EntityId,
        payload: ProductInput,
        request: Request,
        response: Response,
        connection: Transaction,
    ) -> ProductV1:
        old = await catalogue.lock_product(connection, product_id)
        check_if_match(request, etag(old.version))
        product = await catalogue.change_product(connection, old, payload.fields())
        response.headers["ETag"] = etag(product.version)
        return view.of(product)

    @router.patch("/{product_id}", response_model=view, summary="Change fields of a product", responses=_WRITE)
    async def change_product(
        _admin: CatalogueAdmin,
        product_id: EntityId,
        payload: ProductPatch,
        request: Request,
        response: Response,
        connection: Transaction,
    ) -> ProductV1:
        old = await catalogue.lock_product(connection, product_id)
        check_if_match(request, etag(old.version))
        product = await catalogue.change_product(connection, old, payload.applied_to(old))
        response.headers["ETag"] = etag(product.version)
        return view.of(product)

    @router.delete(
        "/{product_id}",
        status_code=204,
        summary="Delete a product",
        responses=problem_responses(401, 403, 404, 412),
    )
    async def delete_product(
        _admin: CatalogueAdmin, product_id: EntityId, request: Request, connection: Transaction
    ) -> None:
        product = await catalogue.lock_product(connection, product_id)
        check_if_match(request, etag(product.version))
        await catalogue.delete_product(connection, product_id)

    return router
