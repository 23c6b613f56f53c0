"""Calls for webhooks. Made of the OpenAPI documents; the methods are named in client_generator/resources.toml."""

from collections.abc import Sequence

from gatehouse_client.asynchronous import AsyncCaller, AsyncPages
from gatehouse_client.blocking import Caller, Pages
from gatehouse_client.call import Call, headers_of, json_of, path_of, query_of
from gatehouse_client.model import Page
from gatehouse_client.models.reports import Delivery, DeliveryStatus, NewWebhook, Webhook, WebhookStatus


class Webhooks:
    """Calls for webhooks."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(self, *, page: int | None = None, page_size: int | None = None) -> Pages[Webhook]:
        """List your webhooks.

        The caller's webhooks, the newest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/webhooks",
                operation="GET /api/v1/webhooks",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[Webhook],
        )

    def create(
        self, *, url: str, all: bool | None = None, description: str | None = None, events: Sequence[str] | None = None
    ) -> NewWebhook:
        """Make a webhook.

        Have events posted to a URL, signed with a secret that is in this answer only.

        The URL is https and leads to public addresses. Without ``all`` it hears of the caller's own orders,
        reports and account, and of products if named. An Idempotency-Key is not taken: what is kept for it
        would hold the secret.
        """
        return self._caller.model(
            Call(
                "POST",
                "/api/v1/webhooks",
                operation="POST /api/v1/webhooks",
                headers=headers_of("application/json"),
                content=json_of(all=all, description=description, events=events, url=url),
            ),
            NewWebhook,
        )

    def get(self, webhook_id: int) -> Webhook:
        """See a webhook.

        One of the caller's webhooks, and why it is disabled when it is.
        """
        return self._caller.model(
            Call("GET", path_of("/api/v1/webhooks/{}", webhook_id), operation="GET /api/v1/webhooks/{webhook_id}"),
            Webhook,
        )

    def change(
        self,
        webhook_id: int,
        *,
        description: str | None = None,
        events: Sequence[str] | None = None,
        status: WebhookStatus | None = None,
        url: str | None = None,
    ) -> Webhook:
        """Change a webhook.

        Change its URL, what it hears, or enable and disable it; what waited while it was disabled is
        delivered then.
        """
        return self._caller.model(
            Call(
                "PATCH",
                path_of("/api/v1/webhooks/{}", webhook_id),
                operation="PATCH /api/v1/webhooks/{webhook_id}",
                headers=headers_of("application/json"),
                content=json_of(description=description, events=events, status=status, url=url),
            ),
            Webhook,
        )

    def delete(self, webhook_id: int) -> None:
        """Delete a webhook.

        Nothing more is delivered; the log of its deliveries goes with it.
        """
        self._caller.nothing(
            Call("DELETE", path_of("/api/v1/webhooks/{}", webhook_id), operation="DELETE /api/v1/webhooks/{webhook_id}")
        )

    def rotate_secret(self, webhook_id: int) -> NewWebhook:
        """Give a new secret.

        The new secret is in this answer only. Until ``previous_secret_until`` deliveries bear both
        signatures.
        """
        return self._caller.model(
            Call(
                "POST",
                path_of("/api/v1/webhooks/{}/rotate-secret", webhook_id),
                operation="POST /api/v1/webhooks/{webhook_id}/rotate-secret",
            ),
            NewWebhook,
        )

    def test(self, webhook_id: int) -> Delivery:
        """Send a ping.

        Send ``webhooks.ping.v1``, which every webhook hears, to see whether it arrives.
        """
        return self._caller.model(
            Call(
                "POST",
                path_of("/api/v1/webhooks/{}/test", webhook_id),
                operation="POST /api/v1/webhooks/{webhook_id}/test",
            ),
            Delivery,
        )

    def deliveries(
        self,
        webhook_id: int,
        *,
        status: DeliveryStatus | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> Pages[Delivery]:
        """List deliveries.

        What was sent or will be, the newest first; kept for 30 days.
        """
        return self._caller.pages(
            Call(
                "GET",
                path_of("/api/v1/webhooks/{}/deliveries", webhook_id),
                operation="GET /api/v1/webhooks/{webhook_id}/deliveries",
                query=query_of(status=status, page=page, page_size=page_size),
            ),
            Page[Delivery],
        )

    def delivery(self, webhook_id: int, delivery_id: int) -> Delivery:
        """See a delivery.

        One delivery with its latest attempts.
        """
        return self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/webhooks/{}/deliveries/{}", webhook_id, delivery_id),
                operation="GET /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}",
            ),
            Delivery,
        )

    def redeliver(self, webhook_id: int, delivery_id: int) -> Delivery:
        """Deliver once more.

        Send it again now, whatever became of it, with its ``webhook-id`` and all its retries before it.
        """
        return self._caller.model(
            Call(
                "POST",
                path_of("/api/v1/webhooks/{}/deliveries/{}/redeliver", webhook_id, delivery_id),
                operation="POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
            ),
            Delivery,
        )


class AsyncWebhooks:
    """Calls for webhooks."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    def list(self, *, page: int | None = None, page_size: int | None = None) -> AsyncPages[Webhook]:
        """List your webhooks.

        The caller's webhooks, the newest first.
        """
        return self._caller.pages(
            Call(
                "GET",
                "/api/v1/webhooks",
                operation="GET /api/v1/webhooks",
                query=query_of(page=page, page_size=page_size),
            ),
            Page[Webhook],
        )

    async def create(
        self, *, url: str, all: bool | None = None, description: str | None = None, events: Sequence[str] | None = None
    ) -> NewWebhook:
        """Make a webhook.

        Have events posted to a URL, signed with a secret that is in this answer only.

        The URL is https and leads to public addresses. Without ``all`` it hears of the caller's own orders,
        reports and account, and of products if named. An Idempotency-Key is not taken: what is kept for it
        would hold the secret.
        """
        return await self._caller.model(
            Call(
                "POST",
                "/api/v1/webhooks",
                operation="POST /api/v1/webhooks",
                headers=headers_of("application/json"),
                content=json_of(all=all, description=description, events=events, url=url),
            ),
            NewWebhook,
        )

    async def get(self, webhook_id: int) -> Webhook:
        """See a webhook.

        One of the caller's webhooks, and why it is disabled when it is.
        """
        return await self._caller.model(
            Call("GET", path_of("/api/v1/webhooks/{}", webhook_id), operation="GET /api/v1/webhooks/{webhook_id}"),
            Webhook,
        )

    async def change(
        self,
        webhook_id: int,
        *,
        description: str | None = None,
        events: Sequence[str] | None = None,
        status: WebhookStatus | None = None,
        url: str | None = None,
    ) -> Webhook:
        """Change a webhook.

        Change its URL, what it hears, or enable and disable it; what waited while it was disabled is
        delivered then.
        """
        return await self._caller.model(
            Call(
                "PATCH",
                path_of("/api/v1/webhooks/{}", webhook_id),
                operation="PATCH /api/v1/webhooks/{webhook_id}",
                headers=headers_of("application/json"),
                content=json_of(description=description, events=events, status=status, url=url),
            ),
            Webhook,
        )

    async def delete(self, webhook_id: int) -> None:
        """Delete a webhook.

        Nothing more is delivered; the log of its deliveries goes with it.
        """
        await self._caller.nothing(
            Call("DELETE", path_of("/api/v1/webhooks/{}", webhook_id), operation="DELETE /api/v1/webhooks/{webhook_id}")
        )

    async def rotate_secret(self, webhook_id: int) -> NewWebhook:
        """Give a new secret.

        The new secret is in this answer only. Until ``previous_secret_until`` deliveries bear both
        signatures.
        """
        return await self._caller.model(
            Call(
                "POST",
                path_of("/api/v1/webhooks/{}/rotate-secret", webhook_id),
                operation="POST /api/v1/webhooks/{webhook_id}/rotate-secret",
            ),
            NewWebhook,
        )

    async def test(self, webhook_id: int) -> Delivery:
        """Send a ping.

        Send ``webhooks.ping.v1``, which every webhook hears, to see whether it arrives.
        """
        return await self._caller.model(
            Call(
                "POST",
                path_of("/api/v1/webhooks/{}/test", webhook_id),
                operation="POST /api/v1/webhooks/{webhook_id}/test",
            ),
            Delivery,
        )

    def deliveries(
        self,
        webhook_id: int,
        *,
        status: DeliveryStatus | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> AsyncPages[Delivery]:
        """List deliveries.

        What was sent or will be, the newest first; kept for 30 days.
        """
        return self._caller.pages(
            Call(
                "GET",
                path_of("/api/v1/webhooks/{}/deliveries", webhook_id),
                operation="GET /api/v1/webhooks/{webhook_id}/deliveries",
                query=query_of(status=status, page=page, page_size=page_size),
            ),
            Page[Delivery],
        )

    async def delivery(self, webhook_id: int, delivery_id: int) -> Delivery:
        """See a delivery.

        One delivery with its latest attempts.
        """
        return await self._caller.model(
            Call(
                "GET",
                path_of("/api/v1/webhooks/{}/deliveries/{}", webhook_id, delivery_id),
                operation="GET /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}",
            ),
            Delivery,
        )

    async def redeliver(self, webhook_id: int, delivery_id: int) -> Delivery:
        """Deliver once more.

        Send it again now, whatever became of it, with its ``webhook-id`` and all its retries before it.
        """
        return await self._caller.model(
            Call(
                "POST",
                path_of("/api/v1/webhooks/{}/deliveries/{}/redeliver", webhook_id, delivery_id),
                operation="POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
            ),
            Delivery,
        )
