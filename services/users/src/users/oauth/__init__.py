"""The authorization server: who a client is, how it comes to tokens, and how they end (RFC 6749)."""
