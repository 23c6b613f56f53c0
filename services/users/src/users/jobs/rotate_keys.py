"""users.rotate_keys: what time brings to the ring of signing keys."""

from datetime import UTC, datetime
from functools import partial

from pydantic import BaseModel

from shared.jobs import JobContext, JobFailed, JobType
from shared.schedules import Schedule
from users import key_rotation
from users.key_rotation import Ring
from users.signing_key import UnusableKeyError
from users.signing_settings import SigningSettings

ROTATE_KEYS = "users.rotate_keys"
SCHEDULE = Schedule("signing_keys", "*/15 * * * *", "UTC", ROTATE_KEYS, missed="once")


class RotateKeys(BaseModel):
    """Nothing but the clock says what is to be done."""


def make_job(settings: SigningSettings) -> JobType[RotateKeys]:
    """The job type."""
    return JobType(ROTATE_KEYS, partial(_rotate, Ring.of(settings)), payload=RotateKeys, concurrency=1)


async def _rotate(ring: Ring, context: JobContext, _: RotateKeys) -> None:
    try:
        async with context.transaction() as connection:
            made = await key_rotation.tick(connection, ring, datetime.now(UTC))
    except UnusableKeyError as error:
        raise JobFailed(str(error)) from error
    context.finish_with({"key_id": made.key_id if made else None})
