"""The migration step, as the owner of the schema: ``python -m orders.migrate``."""

from orders.main import MIGRATIONS, SERVICE
from shared.postgres.step import migrate_and_exit

if __name__ == "__main__":
    migrate_and_exit(SERVICE, [MIGRATIONS])
