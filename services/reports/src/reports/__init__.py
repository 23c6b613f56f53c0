"""What happened: read models built from events, reports as jobs."""
