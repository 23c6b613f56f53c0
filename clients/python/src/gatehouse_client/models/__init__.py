"""What the API answers, by service."""
