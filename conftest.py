"""Fixtures that every test of the repository may ask for."""

from hypothesis import HealthCheck, settings

# Before pytest's importlib mode takes the folder gateway/ for the package of that name.
import gateway  # noqa: F401

# How long an example takes is the machine's affair.
settings.register_profile(
    "gatehouse",
    settings(),
    deadline=None,
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.too_slow],
)
settings.load_profile("gatehouse")

pytest_plugins = ["shared.testing.plugin"]
