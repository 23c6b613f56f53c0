"""One attempt at a delivery: signed, posted, noted."""

import asyncio
import time
from datetime import UTC, datetime

import structlog
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from reports.delivering.metrics import AGE, ATTEMPT_SECONDS, ATTEMPTS, ENDED
from reports.delivering.posting import Outcome, Poster
from reports.domain.webhook import DisabledReason
from reports.domain.webhook_retries import DISABLED_AFTER, next_delay, read_retry_after
from reports.domain.webhook_signature import signed_headers
from reports.store import webhook_claims as store
from reports.store.webhook_claims import Claimed
from shared.kept_secrets import SecretBox, SecretUnreadableError
from shared.messaging.backoff import Backoff
from shared.postgres import Database
from shared.postgres.database import UNAVAILABLE

log = structlog.stdlib.get_logger(__name__)
tracer = trace.get_tracer(__name__)

GONE = 410


async def deliver(database: Database, poster: Poster, box: SecretBox, claimed: Claimed) -> None:
    """Send what is in hand and note how it ended.

    Who dies between the two leaves a lease that runs out, and the message is sent again under the same
    ``webhook-id``: at least once. Cancelled, it gives the delivery back.
    """
    started, began = datetime.now(UTC), time.monotonic()
    try:
        outcome = await _send(poster, box, claimed)
        milliseconds = round((time.monotonic() - began) * 1000)
        noted = await _note(database, claimed, outcome, milliseconds, started)
    except asyncio.CancelledError:
        async with database.transaction() as connection:
            await store.release(connection, claimed)
        raise
    ATTEMPTS.labels(outcome.error or "succeeded").inc()
    ATTEMPT_SECONDS.observe(milliseconds / 1000)
    # Never the URL: whoever knows it may have been given a secret in it.
    log.info(
        "webhook_attempted",
        webhook_id=claimed.webhook_id,
        delivery_id=claimed.id,
        message_id=claimed.message_id,
        attempt=claimed.attempt,
        outcome=outcome.error or "succeeded",
        status_code=outcome.status_code,
        noted=noted,
    )


async def _send(poster: Poster, box: SecretBox, claimed: Claimed) -> Outcome:
    carrier = {"traceparent": claimed.traceparent} if claimed.traceparent else {}
    with tracer.start_as_current_span(
        "webhook POST",
        context=propagate.extract(carrier),
        kind=SpanKind.CLIENT,
        attributes={
            "http.request.method": "POST",
            "webhook.id": claimed.webhook_id,
            "webhook.event": claimed.type,
            "webhook.attempt": claimed.attempt,
        },
    ) as span:
        try:
            secrets = [box.open(kept) for kept in claimed.kept_secrets]
        except SecretUnreadableError:
            log.exception("webhook_secret_unreadable", webhook_id=claimed.webhook_id)
            return Outcome(error="secret_unreadable")
        headers = signed_headers(secrets, claimed.message_id, int(time.time()), claimed.body)
        outcome = await poster.post(claimed.url, headers, claimed.body)
        if outcome.status_code is not None:
            span.set_attribute("http.response.status_code", outcome.status_code)
        if outcome.error is not None:
            span.set_attribute("error.type", outcome.error)
            span.set_status(Status(StatusCode.ERROR, outcome.error))
        return outcome


async def _note(database: Database, claimed: Claimed, outcome: Outcome, milliseconds: int, started: datetime) -> bool:
    """Write the end, again and again while Postgres is away and the lease holds."""
    backoff = Backoff(first=0.1, most=2.0)
    lease_ends = time.monotonic() + (store.LEASE - (datetime.now(UTC) - started)).total_seconds()
    while True:
        try:
            return await _write(database, claimed, outcome, milliseconds)
        except UNAVAILABLE as error:
            if time.monotonic() > lease_ends:
                log.warning("webhook_attempt_not_noted", delivery_id=claimed.id, error=str(error))
                return False
            await asyncio.sleep(backoff.next())


async def _write(database: Database, claimed: Claimed, outcome: Outcome, milliseconds: int) -> bool:
    gone = outcome.status_code == GONE
    retry_after = read_retry_after(outcome.retry_after, datetime.now(UTC))
    retry_in = None if outcome.succeeded or gone else next_delay(claimed.retries, retry_after)
    disabled = None
    async with database.transaction() as connection:
        noted = await store.note(
            connection,
            claimed,
            milliseconds=milliseconds,
            status_code=outcome.status_code,
            error=outcome.error,
            retry_in=retry_in,
        )
        if gone and await store.disable(connection, claimed.webhook_id, DisabledReason.GONE):
            disabled = DisabledReason.GONE
        elif not outcome.succeeded and await store.disable(
            connection, claimed.webhook_id, DisabledReason.FAILING, failing_for=DISABLED_AFTER
        ):
            disabled = DisabledReason.FAILING
    if disabled is not None:
        log.warning("webhook_disabled", webhook_id=claimed.webhook_id, reason=disabled.value)
    if noted and retry_in is None:
        ENDED.labels("succeeded" if outcome.succeeded else "failed").inc()
        if outcome.succeeded:
            AGE.observe(claimed.age + milliseconds / 1000)
    return noted
