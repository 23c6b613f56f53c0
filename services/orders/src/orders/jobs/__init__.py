"""Jobs of the service: a type a file."""
