"""Orders: placed by users, seen by their owner and admins, led by both."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from orders import ordering
from orders.api.dependencies import Reader, Writer
from orders.api.v1.schemas import OrderInput, OrderPatch, OrderV1
from orders.domain.orders import OrderStatus
from orders.store import orders
from shared.web import (
    NOT_MODIFIED,
    Answer,
    EntityId,
    Idempotency,
    Page,
    Paging,
    Transaction,
    check_if_match,
    etag,
    get_resources,
    problem_responses,
    unless_known,
)
from shared.web.fields import BIGINT_MAX


def orders_router(view: type[OrderV1] = OrderV1) -> APIRouter:
    """The routes of orders; ``view`` is the version's body of an order."""
    router = APIRouter(prefix="/orders", tags=["orders"])

    @router.post(
        "",
        response_model=view,
        status_code=201,
        summary="Place an order",
        responses=problem_responses(401, 403, 409),
    )
    async def place_order(
        principal: Writer, payload: OrderInput, request: Request, idempotency: Idempotency
    ) -> Response:
        # Not the Transaction of the other routes: a dependency that is left again costs as much as a statement.
        async with get_resources(request).database.transaction() as connection:

            async def make() -> Answer:
                lines = [(line.product_id, line.quantity) for line in payload.items]
                order, writes = await ordering.place_order(connection, principal, lines)
                headers = {"Location": f"{request.scope['path']}/{order.id}", "ETag": etag(order.version)}
                return Answer(201, view.of(order), headers, writes)

            return await idempotency.run(connection, make)

    @router.get("", response_model=Page[view], summary="List orders", responses=problem_responses(401, 403))
    async def list_orders(
        principal: Reader,
        connection: Transaction,
        paging: Paging,
        user_id: Annotated[int | None, Query(ge=1, le=BIGINT_MAX, description="Only this user's orders.")] = None,
        status: Annotated[OrderStatus | None, Query(description="Only orders in this status.")] = None,
    ) -> Page[OrderV1]:
        all_of_them = principal.is_admin or principal.is_service
        if not all_of_them and user_id not in (None, principal.user_id):
            # Another's orders do not exist for this caller.
            return Page.of([], 0, paging)
        wanted = user_id if all_of_them else principal.user_id
        found, total = await orders.page(
            connection, user_id=wanted, status=status, limit=paging.page_size, offset=paging.offset
        )
        return Page.of([view.of(order) for order in found], total, paging)

    @router.get(
        "/{order_id}",
        response_model=view,
        summary="Read an order",
        responses=NOT_MODIFIED | problem_responses(401, 403, 404),
    )
    async def read_order(
        principal: Reader, order_id: EntityId, request: Request, response: Response, connection: Transaction
    ) -> OrderV1 | Response:
        order = await ordering.get_order(connection, principal, order_id)
        return unless_known(request, response, etag(order.version), view.of(order))

    @router.patch(
        "/{order_id}",
        response_model=view,
        summary="Lead an order to its next status",
        description="An owner may cancel; an admin may take every step that the state machine has.",
        responses=problem_responses(401, 403, 404, 409, 412),
    )
    async def lead_order(
        *,
        principal: Writer,
        order_id: EntityId,
        payload: OrderPatch,
        request: Request,
        idempotency: Idempotency,
        connection: Transaction,
    ) -> Response:
        # A step is taken once: who asks again after a lost answer, the gateway too, would else hear 409.
        async def make() -> Answer:
            order = await ordering.lock_order(connection, principal, order_id)
            check_if_match(request, etag(order.version))
            led = await ordering.lead_order(connection, principal, order, payload.status)
            return Answer(200, view.of(led), {"ETag": etag(led.version)})

        return await idempotency.run(connection, make)

    return router
