"""The committed AsyncAPI document: ``python -m orders.asyncapi [--check]``. Needs no environment."""

from pathlib import Path

from orders.events import SUBSCRIPTIONS
from orders.main import SERVICE, VERSION
from shared.contracts.committed import main

if __name__ == "__main__":
    main(SERVICE, VERSION, SUBSCRIPTIONS, Path(__file__).parents[2])
