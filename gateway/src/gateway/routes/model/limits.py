"""The tables ``[limits.*]``."""

from typing import Literal

from pydantic import Field

from gateway.routes.model.values import Model, QuotaText


class LimitPolicy(Model):
    """One limit: whom it counts (``client``: the user, else the address) and how much each tier has."""

    by: Literal["client", "address"] = Field(
        default="client", description="Whom it counts: the user, else the address; or always the address (IPv6: /64)."
    )
    anonymous: QuotaText = Field(description="The quota of who brings no credentials.")
    tiers: dict[str, QuotaText] = Field(
        default={}, description="Quotas by the tier of the token, or its role where that is no ordinary user's."
    )
