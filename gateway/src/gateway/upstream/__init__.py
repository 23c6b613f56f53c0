"""The way to the services: connections as protocols, a bounded pool of them, and small fetches."""
