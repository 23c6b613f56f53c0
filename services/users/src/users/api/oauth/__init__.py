"""/oauth: the endpoints that clients call."""
