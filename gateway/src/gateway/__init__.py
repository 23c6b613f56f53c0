"""The front door: authentication, limits, versions, forwarding."""
