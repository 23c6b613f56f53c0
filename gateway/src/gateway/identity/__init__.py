"""Who asks: tokens verified by the issuer's keys, API keys exchanged for tokens, scopes held against the route."""
