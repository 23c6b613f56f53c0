"""Version 2: what differs from version 1."""
