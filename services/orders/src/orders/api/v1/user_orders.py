"""The orders of one user."""

from fastapi import APIRouter

from orders.api.dependencies import Reader
from orders.api.v1.schemas import OrderV1
from orders.store import customers, orders
from shared.problems import NotFound
from shared.web import EntityId, Page, Paging, Transaction, problem_responses


def user_orders_router(view: type[OrderV1] = OrderV1) -> APIRouter:
    """The route of a user's orders; ``view`` is the version's body of an order."""
    router = APIRouter(prefix="/users", tags=["orders"])

    @router.get(
        "/{user_id}/orders",
        response_model=Page[view],
        summary="List the orders of a user",
        responses=problem_responses(401, 403, 404),
    )
    async def list_user_orders(
        principal: Reader, user_id: EntityId, connection: Transaction, paging: Paging
    ) -> Page[OrderV1]:
        # Our copy of the users may be behind: whoever has a token is there, whatever it says.
        own = user_id == principal.user_id
        if not own and not (principal.may_read(user_id) and await customers.is_known(connection, user_id)):
            raise NotFound("user_not_found", "There is no such user.")
        found, total = await orders.page(
            connection, user_id=user_id, status=None, limit=paging.page_size, offset=paging.offset
        )
        return Page.of([view.of(order) for order in found], total, paging)

    return router
