"""Payments of an order: made by its owner."""

from fastapi import APIRouter, Request, Response

from orders import ordering, paying
from orders.api.dependencies import Provider, Reader, Writer
from orders.api.v1.schemas import PaymentBody, PaymentInput
from orders.domain.payments import PaymentNotFound, PaymentStatus
from orders.store import payments
from shared.problems import PaymentRequired
from shared.web import Answer, EntityId, Idempotency, Page, Paging, Transaction, problem_responses
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
        connection: Transaction,
        payload: PaymentInput | None = None,
    ) -> Response:
        method = (payload or PaymentInput()).method

        async def make() -> Answer:
            order = await ordering.lock_order(connection, principal, order_id)
            payment = await paying.pay_order(connection, provider, principal, order, method)
            if payment.status is PaymentStatus.DECLINED:
                # Answered, not raised: the attempt is committed, and so is its answer under its key.
                return Answer(_DECLINED.status, problem_document(request, _DECLINED))
            return Answer(201, PaymentBody.of(payment), {"Location": f"{request.url.path}/{payment.id}"})

        return await idempotency.run(connection, make)

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
