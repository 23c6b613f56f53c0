"""HTTP: routes and schemas by version."""
