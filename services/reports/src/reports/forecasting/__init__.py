"""Tells sales of days to come; runs in the pool's processes, and knows no database."""
