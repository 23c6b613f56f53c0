"""The table ``[routes.hedging]``: a second attempt beside one that is slow."""

from pydantic import Field

from gateway.routes.model.values import Model, Seconds


class Hedging(Model):
    """A GET that is slow to be answered is asked a second time, at another target where there is one.

    The first answer is the client's, the other attempt is abandoned. An answer of 502, 503 or 504 waits for the other
    attempt. At most one request in five is asked twice, none while the services are overloaded.
    """

    after: Seconds | None = Field(
        default=None,
        description="So long without the head of an answer; by default the p95 of the route's last answers, once 32 "
        "are known.",
    )
