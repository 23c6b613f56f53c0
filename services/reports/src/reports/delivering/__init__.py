"""Deliveries to webhooks: where to, over what connection, by whose turn."""
