"""What a process of the pool does with histories."""

from collections.abc import Sequence

from reports.domain.forecast import Forecast, History


def tell_histories(histories: Sequence[History]) -> list[Forecast]:
    """A forecast for each history."""
    # Only the process that trains pays for the library that trains; the worker's loop must never.
    from reports.forecasting.telling import tell  # noqa: PLC0415

    return tell(histories)
