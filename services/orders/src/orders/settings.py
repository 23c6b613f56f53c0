"""What the orders service reads from the environment."""

from pydantic import Field

from shared.settings import Environment, ServiceSettings


class OrdersSettings(ServiceSettings):
    """The settings of every service, and whether the demo products are wanted."""

    seed_demo_data: bool = Field(default=False, validation_alias="SEED_DEMO_DATA")

    @property
    def seeds(self) -> bool:
        """Whether to seed: in development only, whatever else is set."""
        return self.seed_demo_data and self.environment is Environment.DEVELOPMENT
