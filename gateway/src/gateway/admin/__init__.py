"""The view for whoever is on call: what the gateway holds and how it does, on a listener of its own."""
