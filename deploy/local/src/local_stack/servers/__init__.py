"""The embedded servers: each module finds the program, prepares its folder and says how it is run."""

STOP_RANK = 1
"""Servers are stopped after all that uses them, and before the port mapper that RabbitMQ's node needs."""
