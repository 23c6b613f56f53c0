"""The data plane: what is forwarded. Callbacks on the event loop, no task and no ASGI."""
