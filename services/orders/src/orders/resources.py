"""What the API process of this service holds beside what every service has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from orders.domain.payments import PaymentProvider
from orders.import_files import ImportFiles
from shared.postgres import Database


@dataclass(frozen=True, slots=True)
class ImportResources:
    """What imports of products need."""

    files: ImportFiles
    unfinished_limit: int


ProviderOf: TypeAlias = Callable[[Database], PaymentProvider]
"""Makes the payment provider; the simulated one keeps its books in the database."""


@dataclass(frozen=True)
class OrdersResources:
    """One a process."""

    provider: PaymentProvider
    imports: ImportResources
