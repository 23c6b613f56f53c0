"""What the orders service reads from the environment."""

from pydantic import Field

from shared.settings import SeedSettings, ServiceSettings


class OrdersSettings(ServiceSettings):
    """The settings of every service, and whether the demo products are wanted."""

    seed: SeedSettings = Field(default_factory=SeedSettings)
