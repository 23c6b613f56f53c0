"""The system under load while it is broken on purpose, and a checker of what is left."""
