"""What the API process of this service holds beside what every service has."""

from dataclasses import dataclass

from orders.domain.payments import PaymentProvider
from orders.import_files import ImportFiles


@dataclass(frozen=True, slots=True)
class ImportResources:
    """What imports of products need."""

    files: ImportFiles
    unfinished_limit: int


@dataclass(frozen=True)
class OrdersResources:
    """One a process."""

    provider: PaymentProvider
    imports: ImportResources
