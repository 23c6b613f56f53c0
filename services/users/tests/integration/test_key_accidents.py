"""A rotation that is killed, a key of the keys that is wrong, and what a thief of the database finds."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.fernet import Fernet

from shared.testing.plugin import RoleMaker
from shared.testing.waiting import PATIENCE_SECONDS, eventually
from users.key_box import KeyBox
from users.key_ring import KeyRing
from users.signing_key import SigningKey
from users.store import signing_keys as store

from .rings import OwnRing, own_ring

COMMANDS = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'users-keys' AND datname = current_database()"
)


@pytest_asyncio.fixture
async def ring(environment: dict[str, str], database_role: RoleMaker) -> AsyncIterator[OwnRing]:
    """One with its first key."""
    async with own_ring(environment, database_role, "users_accidents") as ring:
        async with ring.database.acquire() as connection:
            await connection.execute("DELETE FROM signing_keys")
        await KeyRing(ring.settings.signing).open(ring.database)
        yield ring


async def rows(ring: OwnRing) -> list[Any]:
    async with ring.database.acquire() as connection:
        return await connection.fetch("SELECT * FROM signing_keys ORDER BY key_id")


async def ended(command: "subprocess.Popen[str]") -> tuple[int, str]:
    out, err = await asyncio.to_thread(command.communicate, timeout=PATIENCE_SECONDS)
    return command.returncode, out + err


async def test_a_rotation_that_is_killed_has_not_happened_and_the_next_one_does(ring: OwnRing):
    before = await rows(ring)
    async with ring.database.transaction() as blocking:
        # It stops where the new key is written and the event is not.
        await blocking.execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        # Half a minute would end it, which a command may need until it is there.
        await blocking.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        command = ring.command("rotate")
        waits = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'users-keys' AND wait_event_type = 'Lock'"
        )
        await eventually(lambda: ring.value(waits), 1)
        command.send_signal(signal.SIGKILL)
        assert (await ended(command))[0] == -signal.SIGKILL
        assert await rows(ring) == before
    await eventually(lambda: ring.value(COMMANDS), 0)
    assert await rows(ring) == before
    keys = KeyRing(ring.settings.signing)
    await keys.open(ring.database)
    assert keys.signing().key_id == before[0]["key_id"]
    status, words = await ended(ring.command("rotate"))
    assert (status, len(await rows(ring))) == (0, 2), words


async def test_two_that_rotate_at_once_make_one_key(ring: OwnRing):
    found = await asyncio.gather(*(ended(ring.command("rotate")) for _ in range(2)))
    assert sorted(status for status, _ in found) == [0, 1]
    assert any("is on its way already" in words for _, words in found)
    assert len(await rows(ring)) == 2


async def test_instances_that_start_at_once_make_one_first_key(ring: OwnRing):
    async with ring.database.acquire() as connection:
        await connection.execute("DELETE FROM signing_keys")
    rings = [KeyRing(ring.settings.signing) for _ in range(5)]
    await asyncio.gather(*(keys.open(ring.database) for keys in rings))
    assert len({keys.signing().key_id for keys in rings}) == 1


async def test_a_wrong_key_of_the_keys_ends_the_start_with_words(ring: OwnRing):
    def start() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "users.main"],
            env={"PATH": os.environ["PATH"], **ring.environment, "SIGNING_KEYS_KEY": Fernet.generate_key().decode()},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    done = await asyncio.to_thread(start)
    assert done.returncode == 3
    said = done.stdout + done.stderr
    assert "the settings are not right: SIGNING_KEYS_KEY: it holds no key that the signing key" in said
    assert "Traceback" not in said


async def test_a_wrong_key_of_the_keys_makes_no_key_that_nobody_could_read(ring: OwnRing):
    before = await rows(ring)
    status, words = await ended(ring.command("rotate", SIGNING_KEYS_KEY=Fernet.generate_key().decode()))
    assert status == 1
    assert "nothing was changed: SIGNING_KEYS_KEY" in words
    assert await rows(ring) == before


async def test_the_private_key_stands_nowhere_in_plain(ring: OwnRing):
    [row] = await rows(ring)
    private = KeyBox(ring.settings.signing.keys).open(row["sealed_private"], row["key_id"])
    seed, der = private.private.private_bytes_raw(), private.pkcs8  # pyright: ignore[reportAttributeAccessIssue] - an Ed25519 key
    text = str(await ring.value("SELECT string_agg(signing_keys::text, ' ') FROM signing_keys"))
    for secret in (seed, der):
        spellings = (base64.b64encode(secret), base64.urlsafe_b64encode(secret), secret.hex().encode())
        for spelling in spellings:
            assert spelling.decode().rstrip("=") not in text
    assert "PRIVATE" not in text
    assert '"d"' not in text


async def test_the_first_key_is_the_one_of_the_file_and_only_the_first(ring: OwnRing, environment: dict[str, str]):
    given = SigningKey.read(Path(environment["TOKEN_PRIVATE_KEY_FILE"]), private_only=False)
    keys = KeyRing(ring.settings.signing, first=given)
    await keys.open(ring.database)
    assert keys.signing().key_id != given.key_id, "the ring had one"
    async with ring.database.acquire() as connection:
        await connection.execute("DELETE FROM signing_keys")
    await keys.open(ring.database)
    assert keys.signing().key_id == given.key_id
    status, words = await ended(ring.command("withdraw", given.key_id))
    assert status == 0, words
    async with ring.database.acquire() as connection:
        assert [key.key_id for key in await store.live(connection, keys.now())] != [given.key_id]
        await connection.execute("DELETE FROM signing_keys WHERE withdrawn_at IS NULL")
    await keys.open(ring.database)
    assert keys.signing().key_id != given.key_id, "what was withdrawn does not come back by the file"


@pytest.mark.parametrize("argument", ["nothing", "twice"])
async def test_what_cannot_be_withdrawn_is_said(ring: OwnRing, argument: str):
    [row] = await rows(ring)
    if argument == "nothing":
        # A key id may begin so: it is base64url.
        status, words = await ended(ring.command("withdraw", "-nothing"))
        assert (status, "there is no key -nothing" in words) == (1, True)
        return
    assert (await ended(ring.command("withdraw", row["key_id"])))[0] == 0
    status, words = await ended(ring.command("withdraw", row["key_id"]))
    assert (status, "is gone already" in words) == (1, True)
    listed = (await ended(ring.command("list")))[1]
    assert f"{row['key_id']}  EdDSA  gone     withdrawn" in listed
    assert " active   signs since " in listed
