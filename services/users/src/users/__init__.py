"""Who you are: accounts, tokens, API keys, sessions."""
