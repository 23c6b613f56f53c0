"""What was delivered to a webhook, and once more."""

from typing import Annotated

from fastapi import APIRouter, Query

from reports import webhooks
from reports.api.dependencies import Reader, Writer
from reports.api.v1.webhook_schemas import DeliveryView
from reports.domain.webhook import DeliveryStatus
from reports.store import webhook_deliveries as store
from shared.web import EntityId, Page, Paging, Transaction, problem_responses

router = APIRouter(prefix="/webhooks/{webhook_id}", tags=["webhooks"])


@router.get("/deliveries", summary="List deliveries", responses=problem_responses(401, 403, 404, 422))
async def list_deliveries(
    webhook_id: EntityId,
    principal: Reader,
    connection: Transaction,
    paging: Paging,
    status: Annotated[DeliveryStatus | None, Query()] = None,
) -> Page[DeliveryView]:
    """What was sent or will be, the newest first; kept for 30 days."""
    webhook = await webhooks.find(connection, principal, webhook_id)
    found = await store.page(connection, webhook.id, paging.page_size, paging.offset, status)
    total = await store.count(connection, webhook.id, status)
    return Page.of([DeliveryView.of(delivery) for delivery in found], total, paging)


@router.get("/deliveries/{delivery_id}", summary="See a delivery", responses=problem_responses(401, 403, 404, 422))
async def get_delivery(
    webhook_id: EntityId, delivery_id: EntityId, principal: Reader, connection: Transaction
) -> DeliveryView:
    """One delivery with its latest attempts."""
    webhook = await webhooks.find(connection, principal, webhook_id)
    return DeliveryView.of(await webhooks.find_delivery(connection, webhook, delivery_id))


@router.post(
    "/deliveries/{delivery_id}/redeliver",
    status_code=202,
    summary="Deliver once more",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def redeliver(
    webhook_id: EntityId, delivery_id: EntityId, principal: Writer, connection: Transaction
) -> DeliveryView:
    """Send it again now, whatever became of it, with its ``webhook-id`` and all its retries before it."""
    webhook = await webhooks.find(connection, principal, webhook_id)
    return DeliveryView.of(await webhooks.redeliver(connection, webhook, delivery_id))


@router.post("/test", status_code=202, summary="Send a ping", responses=problem_responses(401, 403, 404, 409, 422))
async def send_ping(webhook_id: EntityId, principal: Writer, connection: Transaction) -> DeliveryView:
    """Send ``webhooks.ping.v1``, which every webhook hears, to see whether it arrives."""
    webhook = await webhooks.find(connection, principal, webhook_id)
    return DeliveryView.of(await webhooks.send_ping(connection, webhook))
