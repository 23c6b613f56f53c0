"""The migration step, as the owner of the schema: ``python -m users.migrate``."""

from shared.postgres.step import migrate_and_exit
from users.main import MIGRATIONS, SERVICE

if __name__ == "__main__":
    migrate_and_exit(SERVICE, [MIGRATIONS])
