"""Fixtures that every test of the repository may ask for."""

# Before pytest's importlib mode takes the folder gateway/ for the package of that name.
import gateway  # noqa: F401

pytest_plugins = ["shared.testing.plugin"]
