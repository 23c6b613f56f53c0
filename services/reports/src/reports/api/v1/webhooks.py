"""Make webhooks, change them, give them new secrets, delete them."""

from fastapi import APIRouter, Request, Response

from reports import webhooks
from reports.api.dependencies import Database, Own, Reader, Writer
from reports.api.v1.webhook_schemas import NewWebhookView, WebhookChange, WebhookRequest, WebhookView, check_events
from reports.store import webhooks as store
from shared.problems import FieldError, UnprocessableContent
from shared.web import EntityId, Page, Paging, Transaction, problem_responses

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

_NO_STORE = "no-store"


@router.post("", status_code=201, summary="Make a webhook", responses=problem_responses(400, 401, 403, 409, 422))
async def create_webhook(
    *, request: Request, response: Response, body: WebhookRequest, principal: Writer, database: Database, own: Own
) -> NewWebhookView:
    """Have events posted to a URL, signed with a secret that is in this answer only.

    The URL is https and leads to public addresses. Without ``all`` it hears of the caller's own orders,
    reports and account, and of products if named. An Idempotency-Key is not taken: what is kept for it
    would hold the secret.
    """
    # Before the transaction: a name server that is slow must not hold a connection.
    await webhooks.check_url(own.webhooks, body.url)
    async with database.transaction() as connection:
        webhook, secret = await webhooks.create(
            connection,
            own.webhooks,
            principal,
            url=body.url,
            description=body.description,
            events=body.heard,
            everyone=body.all,
        )
    response.headers["Location"] = f"{request.url.path}/{webhook.id}"
    response.headers["Cache-Control"] = _NO_STORE
    return NewWebhookView.with_secret(webhook, secret)


@router.get("", summary="List your webhooks", responses=problem_responses(401, 403, 422))
async def list_webhooks(principal: Reader, connection: Transaction, paging: Paging) -> Page[WebhookView]:
    """The caller's webhooks, the newest first."""
    found = await store.page(connection, principal.user_id, paging.page_size, paging.offset)
    total = await store.count(connection, principal.user_id)
    return Page.of([WebhookView.of(webhook) for webhook in found], total, paging)


@router.get("/{webhook_id}", summary="See a webhook", responses=problem_responses(401, 403, 404, 422))
async def get_webhook(webhook_id: EntityId, principal: Reader, connection: Transaction) -> WebhookView:
    """One of the caller's webhooks, and why it is disabled when it is."""
    return WebhookView.of(await webhooks.find(connection, principal, webhook_id))


@router.patch("/{webhook_id}", summary="Change a webhook", responses=problem_responses(400, 401, 403, 404, 422))
async def change_webhook(
    webhook_id: EntityId, body: WebhookChange, principal: Writer, database: Database, own: Own
) -> WebhookView:
    """Change its URL, what it hears, or enable and disable it; what waited while it was disabled is delivered then."""
    if body.url is not None:
        await webhooks.check_url(own.webhooks, body.url)
    async with database.transaction() as connection:
        webhook = await webhooks.lock(connection, principal, webhook_id)
        changed = await webhooks.change(
            connection,
            webhook,
            url=body.url,
            description=body.description,
            events=_heard(body, everyone=webhook.everyone),
            status=body.status,
        )
    return WebhookView.of(changed)


@router.delete(
    "/{webhook_id}", status_code=204, summary="Delete a webhook", responses=problem_responses(401, 403, 404, 422)
)
async def delete_webhook(webhook_id: EntityId, principal: Writer, connection: Transaction) -> None:
    """Nothing more is delivered; the log of its deliveries goes with it."""
    await webhooks.delete(connection, principal, webhook_id)


@router.post(
    "/{webhook_id}/rotate-secret", summary="Give a new secret", responses=problem_responses(401, 403, 404, 422)
)
async def rotate_secret(
    webhook_id: EntityId, response: Response, principal: Writer, connection: Transaction, own: Own
) -> NewWebhookView:
    """The new secret is in this answer only. Until ``previous_secret_until`` deliveries bear both signatures."""
    webhook = await webhooks.lock(connection, principal, webhook_id)
    changed, secret = await webhooks.rotate_secret(connection, own.webhooks, webhook)
    response.headers["Cache-Control"] = _NO_STORE
    return NewWebhookView.with_secret(changed, secret)


def _heard(body: WebhookChange, *, everyone: bool) -> list[str] | None:
    if body.events is None:
        return None
    try:
        return check_events(body.events, everyone=everyone)
    except ValueError as error:
        wrong = FieldError(field="events", message=str(error))
        raise UnprocessableContent("validation_error", "The input breaks a rule.", errors=[wrong]) from error
