"""The contracts of events: their schemas, the AsyncAPI documents made of them, and what may change."""
