"""SQL of the service, a module an aggregate."""
