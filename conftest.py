"""Fixtures that every test of the repository may ask for."""

pytest_plugins = ["shared.testing.plugin"]
