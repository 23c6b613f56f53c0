"""The tables ``[limits.*]``: whom a limit counts, how much each tier has, and by which algorithm."""

import math
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from gateway.routes.model.values import Model, Quota, QuotaText

Algorithm = Literal[
    "sliding_window",
    "sliding_log",
    "sliding_counter",
    "fixed_window",
    "token_bucket",
    "leaky_bucket",
    "leaky_queue",
]
Counted = Literal["client", "user", "key", "address", "tier", "route"]
# A queued request holds its client's connection; its own deadline is the gateway's CLIENT_SECONDS.
_LONGEST_QUEUE = 10.0
_TIERED = frozenset({"client", "user", "key", "tier"})


def listed(value: object) -> object:
    """One name as a list of one."""
    return (value,) if isinstance(value, str) else value


LimitName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Part = Annotated[float, Field(gt=0, le=1)]


class LimitPolicy(Model):
    """One limit: whom it counts, how much each tier has, and how it is counted.

    Exact over all gateway processes; a refused request costs nothing; of several limits all are charged or none.
    """

    algorithm: Algorithm = Field(
        default="sliding_window",
        description=(
            '"sliding_window": never more than the quota in any window; what was used comes back a sixtieth of a '
            'window late at most. "sliding_log": the same to the microsecond; memory grows with the quota (11 bytes a '
            'request). "sliding_counter": two windows weighted; least memory, wrong now and then. "fixed_window": '
            "begins with a client's first request; around its edge twice the quota passes in one window. "
            '"token_bucket" (GCRA): the quota comes back evenly, `burst` at once. "leaky_bucket": the same seen as a '
            'level that drains; what would overflow is refused. "leaky_queue": evenly spaced; a request waits for its '
            "turn, `queue` of them at most."
        ),
    )
    by: Annotated[tuple[Counted, ...], BeforeValidator(listed), Field(min_length=1)] = Field(
        default=("client",),
        description=(
            'Whom it counts, one or several that count together, such as `["user", "route"]`. "client" and '
            '"user": the user of a token or an API key, else the address; "key": the API key, else as "user"; '
            '"address": an IPv6 client is its /64; "tier": all clients of a tier together; "route": the path of the '
            "routes file."
        ),
    )
    anonymous: QuotaText = Field(
        description="The quota of who is not known, and of everybody where it counts addresses or routes alone."
    )
    tiers: dict[str, QuotaText] = Field(
        default={},
        description='The quota by the tier of the token, and for admins by "admin"; others have that of "free".',
    )
    burst: int | None = Field(
        default=None, ge=1, description="token_bucket, leaky_bucket: so much at once; by default the quota."
    )
    queue: int | None = Field(
        default=None, ge=1, description="leaky_queue: so many requests of a client wait for their turn at a time."
    )
    overloaded: dict[str, Part] = Field(
        default={},
        description=(
            "By tier (or anonymous): the part of the quota that is left while the system is wholly overloaded; on the "
            "way there it shrinks in proportion. A tier that is not named keeps its quota."
        ),
    )
    local_share: Part | None = Field(default=None, description="Instead of the file's `local_share`, for this limit.")

    @property
    def tiered(self) -> bool:
        """Whether it tells tiers apart."""
        return not _TIERED.isdisjoint(self.by)

    def quota_of(self, tier: str | None) -> tuple[str, Quota]:
        """The name and the quota that count for a client of the tier, None for who is not known."""
        if tier is None or not self.tiered:
            return "anonymous", self.anonymous
        for name in (tier, "free"):
            if name in self.tiers:
                return name, self.tiers[name]
        return "anonymous", self.anonymous

    @property
    def most_at_once(self) -> int:
        """What the smallest tier can ask at one moment: no request may cost more."""
        if self.algorithm == "leaky_queue":
            return (self.queue or 0) + 1
        smallest = min(quota.quota for quota in (self.anonymous, *self.tiers.values()))
        return smallest if self.burst is None else self.burst

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.burst is not None and self.algorithm not in {"token_bucket", "leaky_bucket"}:
            raise ValueError(f"burst is of token_bucket and leaky_bucket, not of {self.algorithm}")
        if (self.queue is None) is (self.algorithm == "leaky_queue"):
            raise ValueError("leaky_queue needs queue, and nothing else takes it")
        if self.queue is not None:
            slowest = max(quota.window / quota.quota for quota in (self.anonymous, *self.tiers.values()))
            if self.queue * slowest > _LONGEST_QUEUE:
                wait = math.ceil(self.queue * slowest)
                raise ValueError(f"the last of the queue would wait {wait}s; {_LONGEST_QUEUE:g}s at most")
        if self.tiers and not self.tiered:
            raise ValueError('tiers need a limit by "client", "user", "key" or "tier"')
        unknown = self.overloaded.keys() - {"anonymous", *self.tiers}
        if unknown:
            raise ValueError(f"overloaded names no tier of this limit: {', '.join(sorted(unknown))}")
        return self
