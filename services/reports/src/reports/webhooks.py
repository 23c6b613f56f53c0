"""Webhooks from making to deleting: what endpoints do with them."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.delivering.resolving import HostNotFoundError, Resolver, find_addresses
from reports.domain.webhook import (
    PING,
    Delivery,
    DeliveryInHand,
    DeliveryNotFound,
    DisabledReason,
    NotAboutEveryone,
    TooManyWebhooks,
    Webhook,
    WebhookDisabled,
    WebhookNotFound,
    WebhookStatus,
)
from reports.domain.webhook_address import Reach
from reports.domain.webhook_signature import new_secret
from reports.domain.webhook_url import read_target
from reports.store import departed, webhook_deliveries, webhook_messages
from reports.store import webhooks as store
from reports.webhook_events import ping_of
from shared.identity import Principal
from shared.kept_secrets import SecretBox
from shared.messaging import Event
from shared.postgres import Connection
from shared.problems import Forbidden
from shared.telemetry import current_traceparent


@dataclass(frozen=True, slots=True)
class Rules:
    """What webhooks of this installation are held to, and the box that their secrets lie in."""

    limit: int
    overlap_hours: int
    reach: Reach
    resolver: Resolver
    box: SecretBox


async def check_url(rules: Rules, url: str) -> None:
    """Refuse a URL that leads elsewhere than to the public Internet, before anything is connected to.

    A name that has no address now is taken: each delivery asks and checks again, and says what it met.
    Raises UrlRefused and AddressRefused.
    """
    try:
        await find_addresses(rules.resolver, read_target(url), rules.reach)
    except HostNotFoundError:
        return


async def create(
    connection: Connection,
    rules: Rules,
    principal: Principal,
    *,
    url: str,
    description: str,
    events: Sequence[str],
    everyone: bool,
) -> tuple[Webhook, str]:
    """Write a webhook whose URL was checked; it and its secret, which is told this once.

    Raises NotAboutEveryone, Forbidden for a caller who is no user (any more), and TooManyWebhooks.
    """
    if everyone and not principal.is_admin:
        raise NotAboutEveryone
    if principal.user_id == 0:
        raise Forbidden("forbidden", "Webhooks belong to users, and a service is none.")
    if await departed.is_deleted(connection, principal.user_id):
        raise Forbidden("forbidden", "Webhooks belong to users, and this one was deleted.")
    if await store.lock_user_and_count(connection, principal.user_id) >= rules.limit:
        raise TooManyWebhooks(rules.limit)
    secret = new_secret()
    webhook = await store.insert(
        connection,
        user_id=principal.user_id,
        url=url,
        description=description,
        events=events,
        everyone=everyone,
        kept_secret=rules.box.close(secret),
    )
    return webhook, secret


async def find(connection: Connection, principal: Principal, webhook_id: int) -> Webhook:
    """The caller's webhook. Raises WebhookNotFound, for another's too."""
    webhook = await store.find(connection, webhook_id, principal.user_id)
    if webhook is None:
        raise WebhookNotFound
    return webhook


async def lock(connection: Connection, principal: Principal, webhook_id: int) -> Webhook:
    """The caller's webhook, which nobody else changes meanwhile. Raises WebhookNotFound."""
    webhook = await store.lock(connection, webhook_id, principal.user_id)
    if webhook is None:
        raise WebhookNotFound
    return webhook


async def change(
    connection: Connection,
    webhook: Webhook,
    *,
    url: str | None,
    description: str | None,
    events: Sequence[str] | None,
    status: WebhookStatus | None,
) -> Webhook:
    """Change what is given of a locked webhook, whose new URL was checked."""
    reason = webhook.disabled_reason
    if status is WebhookStatus.ENABLED:
        reason = None
    elif status is WebhookStatus.DISABLED and reason is None:
        reason = DisabledReason.BY_OWNER
    return await store.change(
        connection,
        webhook.id,
        url=webhook.url if url is None else url,
        description=webhook.description if description is None else description,
        events=webhook.events if events is None else events,
        disabled_reason=reason,
    )


async def rotate_secret(connection: Connection, rules: Rules, webhook: Webhook) -> tuple[Webhook, str]:
    """Give a webhook another secret, told this once; for some hours deliveries are signed with both."""
    secret = new_secret()
    changed = await store.rotate(connection, webhook.id, rules.box.close(secret), rules.overlap_hours)
    return changed, secret


async def delete(connection: Connection, principal: Principal, webhook_id: int) -> None:
    """Forget the caller's webhook with its deliveries. Raises WebhookNotFound."""
    if not await store.delete(connection, webhook_id, principal.user_id):
        raise WebhookNotFound


async def send_ping(connection: Connection, webhook: Webhook) -> Delivery:
    """Queue a message that only tries the webhook out. Raises WebhookDisabled."""
    if webhook.status is WebhookStatus.DISABLED:
        raise WebhookDisabled
    subject = f"webhooks/{webhook.id}"
    event = Event.new(
        type=PING,
        source="/services/reports",
        subject=subject,
        data={"webhook_id": webhook.id},
        traceparent=current_traceparent(),
    )
    delivery_id = await webhook_messages.send_to(connection, webhook.id, ping_of(event))
    return await find_delivery(connection, webhook, delivery_id)


async def find_delivery(connection: Connection, webhook: Webhook, delivery_id: int) -> Delivery:
    """A delivery of the webhook. Raises DeliveryNotFound."""
    delivery = await webhook_deliveries.find(connection, webhook.id, delivery_id)
    if delivery is None:
        raise DeliveryNotFound
    return delivery


async def redeliver(connection: Connection, webhook: Webhook, delivery_id: int) -> Delivery:
    """Send a delivery once more, whatever became of it, under the same id.

    Raises DeliveryNotFound, WebhookDisabled, and DeliveryInHand.
    """
    delivery = await webhook_deliveries.lock(connection, webhook.id, delivery_id)
    if delivery is None:
        raise DeliveryNotFound
    if webhook.status is WebhookStatus.DISABLED:
        raise WebhookDisabled
    if delivery.in_hand:
        raise DeliveryInHand
    await webhook_deliveries.deliver_again(connection, delivery.id)
    return await find_delivery(connection, webhook, delivery.id)
