"""Routes and schemas by version."""
