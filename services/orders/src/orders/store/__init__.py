"""The service's tables: one module an aggregate, SQL as constants."""
