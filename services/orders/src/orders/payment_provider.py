"""A payment provider that moves no money: the only one in the house, so that every demo and test can pay.

It keeps books of its own, on connections of its own, as somebody else's server would: what it has taken
stays taken, whatever becomes of the process that asked.
"""

from orders.domain.payments import Charge, PaymentMethod
from shared.postgres import Database

_CHARGE = """
INSERT INTO simulated_charges (reference, amount, currency) VALUES ($1, $2, $3) ON CONFLICT (reference) DO NOTHING
"""
_WAS_CHARGED = "SELECT EXISTS (SELECT FROM simulated_charges WHERE reference = $1)"
_REFUND = """
UPDATE simulated_charges SET refunded_at = clock_timestamp() WHERE reference = $1 AND refunded_at IS NULL
"""


class SimulatedProvider:
    """Takes every charge at once, except by the method that says it declines."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def charge(self, charge: Charge) -> bool:
        """Whether the method is one that pays; a reference is charged once."""
        if charge.method is PaymentMethod.CARD_DECLINED:
            return False
        async with self._database.acquire() as connection:
            await connection.execute(_CHARGE, charge.reference, charge.amount, charge.currency)
        return True

    async def was_charged(self, charge: Charge) -> bool:
        """Whether the charge's reference is in the books."""
        async with self._database.acquire() as connection:
            return await connection.fetchval(_WAS_CHARGED, charge.reference)

    async def refund(self, charge: Charge) -> None:
        """Note that it was given back."""
        async with self._database.acquire() as connection:
            await connection.execute(_REFUND, charge.reference)
