"""SQL, a module an aggregate."""
