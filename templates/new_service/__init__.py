"""Makes a new service from templates/service and inserts it where the system names its services."""
