"""What the orders service reads from the environment."""

from pathlib import Path

from pydantic import Field

from shared.settings import SeedSettings, ServiceSettings, Settings


class ImportSettings(Settings):
    """Imports of products: the directory that the API and the worker share, and the bounds of what is sent there."""

    directory: Path = Field(validation_alias="ORDERS_DIR")
    most_bytes: int = Field(default=500_000_000, validation_alias="ORDERS_IMPORT_MOST_BYTES", ge=1)
    unfinished_limit: int = Field(default=5, validation_alias="ORDERS_IMPORT_UNFINISHED_LIMIT", ge=1)


class OrderingSettings(Settings):
    """Orders: for how many seconds one may wait to be paid before it is cancelled and its stock is back."""

    pending_expires: int = Field(default=86_400, validation_alias="ORDERS_PENDING_EXPIRES", ge=60)


class OrdersSettings(ServiceSettings):
    """The settings of every service, whether the demo products are wanted, and those of the service's own work."""

    seed: SeedSettings = Field(default_factory=SeedSettings)
    imports: ImportSettings = Field(default_factory=ImportSettings)  # pyright: ignore[reportArgumentType] - read from the environment
    ordering: OrderingSettings = Field(default_factory=OrderingSettings)
