"""The HTTP side: routes and schemas by version."""
