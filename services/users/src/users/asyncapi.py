"""The committed AsyncAPI document: ``python -m users.asyncapi [--check]``. Needs no environment."""

from pathlib import Path

from shared.contracts.committed import main
from users.main import SERVICE, VERSION

if __name__ == "__main__":
    main(SERVICE, VERSION, (), Path(__file__).parents[2])
