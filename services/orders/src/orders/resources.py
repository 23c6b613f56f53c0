"""What the API process of this service holds beside what every service has."""

from dataclasses import dataclass

from orders.domain.payments import PaymentProvider


@dataclass(frozen=True)
class OrdersResources:
    """One a process."""

    provider: PaymentProvider
