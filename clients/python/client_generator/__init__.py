"""Writes the client's models and resources from the OpenAPI documents of the services."""
