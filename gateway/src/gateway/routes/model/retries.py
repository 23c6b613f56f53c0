"""The table ``[routes.retries]``: which failures of a service are worth another attempt."""

from typing import Literal

from pydantic import Field

from gateway.routes.model.values import Model, Seconds

RetryOn = Literal["connect", "reset", "502", "503", "504"]


class Retries(Model):
    """Further attempts for what is safe to send again, never once a byte of an answer has gone to the client.

    Safe are GET, HEAD, PUT and DELETE without a body, and what carries an `Idempotency-Key` and at most 64 KiB of body.

    Without this table a request that a kept-alive connection lost before a byte of the answer came is sent once more,
    and one that no connection could be made for goes to another target where there is one.
    """

    on: tuple[RetryOn, ...] = Field(
        default=("connect", "reset"),
        min_length=1,
        description='What is tried again. "connect": no connection could be made (every method: nothing was sent); '
        '"reset": the connection ended before a byte of the answer; "502", "503": the service answered so; '
        '"504": it answered so, or did not begin to answer within `first_byte`.',
    )
    attempts: int = Field(default=2, ge=2, le=5, description="In all, the first one included.")
    backoff: Seconds = Field(
        default=0.025,
        description="Before the second attempt a random wait of up to this, doubled with each further one.",
    )
    max_backoff: Seconds = Field(default=0.25, description="The most that `backoff` grows to.")
    max_retry_after: Seconds = Field(
        default=1.0,
        description="A `Retry-After` (in seconds) of up to this is waited for; an answer that asks for more, or for a "
        "date, goes to the client.",
    )
