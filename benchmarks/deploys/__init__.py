"""Deploys under a steady load: no request may fail, and what they cost those that are answered."""
