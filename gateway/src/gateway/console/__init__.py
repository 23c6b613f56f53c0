"""The page for people at ``/`` and the console for admins: what the gateway sees, live. No request pays for it."""
