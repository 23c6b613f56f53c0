"""Several workers on one port: the parent that keeps them running, and what they tell each other through it."""
