"""A payment provider that moves no money: the only one in the house, so that every demo and test can pay."""

from orders.domain.payments import Charge, PaymentMethod


class SimulatedProvider:
    """Takes every charge at once, except by the method that says it declines."""

    async def charge(self, charge: Charge) -> bool:
        """Whether the method is one that pays."""
        return charge.method is not PaymentMethod.CARD_DECLINED

    async def refund(self, charge: Charge) -> None:
        """There is nothing to move back."""
