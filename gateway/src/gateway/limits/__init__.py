"""How much each client may ask: one exact algorithm in Redis, all limits of all requests of a tick in one call."""
