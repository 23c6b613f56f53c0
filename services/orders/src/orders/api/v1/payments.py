"""Payments of an order: made by its owner."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from orders import ordering, paying
from orders.api.dependencies import Provider, Reader, Writer
from orders.api.v1.schemas import PaymentBody, PaymentInput
from orders.domain.orders import OrderStatus
from orders.domain.payments import OrderNotPayable, PaymentNotFound, PaymentStatus
from orders.store import payments
from shared.problems import PaymentRequired
from shared.web import (
    Answer,
    EntityId,
    Idempotency,
    Page,
    Paging,
    Resources,
    Transaction,
    get_resources,
    problem_responses,
)
from shared.web.problem_handlers import problem_document

_DECLINED = PaymentRequired("payment_declined", "The payment was declined. The order is still pending.")


def payments_router() -> APIRouter:
    """The routes of payments, the same in every version."""
    router = APIRouter(prefix="/orders/{order_id}/payments", tags=["payments"])

    @router.post(
        "",
        response_model=PaymentBody,
        status_code=201,
        summary="Pay an order",
        responses=problem_responses(401, 402, 403, 404, 409),
    )
    async def pay_order(
        *,
        principal: Writer,
        order_id: EntityId,
        request: Request,
        provider: Provider,
        idempotency: Idempotency,
        resources: Annotated[Resources, Depends(get_resources)],
        payload: PaymentInput | None = None,
    ) -> Response:
        method = (payload or PaymentInput()).method
        async with resources.database.transaction() as connection:
            answered = await idempotency.replay(connection)
            if answered is not None:
                return answered
            order = await ordering.lock_order(connection, principal, order_id)
            attempt = await paying.begin_payment(connection, principal, order, method)
        took = await paying.charge(provider, order, method)
        async with resources.database.transaction() as connection:

            async def settle() -> Answer:
                payment = await paying.settle_payment(connection, attempt, took=took)
                # Answered, not raised: what was settled is committed, and so is its answer under its key.
                if payment is None or payment.status is PaymentStatus.DECLINED:
                    return Answer(_DECLINED.status, problem_document(request, _DECLINED))
                if payment.status is PaymentStatus.REFUNDED:
                    problem = OrderNotPayable(OrderStatus.CANCELLED)
                    return Answer(problem.status, problem_document(request, problem))
                return Answer(201, PaymentBody.of(payment), {"Location": f"{request.url.path}/{payment.id}"})

            return await idempotency.run(connection, settle, wait=True)

    @router.get(
        "",
        summary="List the attempts to pay an order",
        responses=problem_responses(401, 403, 404),
    )
    async def list_payments(
        principal: Reader, order_id: EntityId, connection: Transaction, paging: Paging
    ) -> Page[PaymentBody]:
        order = await ordering.get_order(connection, principal, order_id)
        found, total = await payments.page(connection, order.id, limit=paging.page_size, offset=paging.offset)
        return Page.of([PaymentBody.of(payment) for payment in found], total, paging)

    @router.get(
        "/{payment_id}",
        summary="Read one attempt to pay an order",
        responses=problem_responses(401, 403, 404),
    )
    async def read_payment(
        principal: Reader, order_id: EntityId, payment_id: EntityId, connection: Transaction
    ) -> PaymentBody:
        order = await ordering.get_order(connection, principal, order_id)
        payment = await payments.find(connection, order.id, payment_id)
        if payment is None:
            raise PaymentNotFound
        return PaymentBody.of(payment)

    return router
