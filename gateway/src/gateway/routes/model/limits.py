"""The tables ``[limits.*]``."""

from typing import Literal

from pydantic import Field

from gateway.routes.model.values import Model, QuotaText


class LimitPolicy(Model):
    """One limit: whom it counts (``client``: the user, else the address) and how much each tier has."""

    by: Literal["client", "address"] = "client"
    anonymous: QuotaText
    tiers: dict[str, QuotaText] = Field(default={})
