"""``python -m shared.parked``: what people on call do about messages that could not be handled."""
