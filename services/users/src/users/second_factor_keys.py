"""What second factors need of the process: the box of their secrets, and the time."""

from collections.abc import Callable
from datetime import UTC, datetime

from shared.kept_secrets import SecretBox
from users.second_factor_settings import SecondFactorSettings


def _now() -> datetime:
    return datetime.now(UTC)


class SecondFactors:
    """One a process; ``clock`` gives the time that codes are judged by."""

    def __init__(self, settings: SecondFactorSettings, clock: Callable[[], datetime] = _now) -> None:
        self.box = SecretBox(settings.keys, "SECOND_FACTOR_KEY")
        self.clock = clock
