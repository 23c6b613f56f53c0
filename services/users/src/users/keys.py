"""``python -m users.keys list|rotate|withdraw``: the keys that access tokens are signed with, for people on call.

Reads ``DATABASE_URL``, ``SIGNING_KEYS_KEY``, ``TOKEN_ALGORITHM`` and ``TOKEN_KEY_AHEAD_SECONDS`` as the service does.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg

from shared.logs import configure_logs
from shared.postgres import Connection, Database
from shared.postgres.database import UNAVAILABLE
from shared.settings import PostgresSettings, wrong_settings_in_words
from users import key_rotation
from users.domain.signing_keys import KeyRecord, KeyState
from users.key_rotation import KeyChangeRefusedError, Ring
from users.signing_key import UnusableKeyError
from users.signing_settings import SigningSettings
from users.store import signing_keys as store

CONNECT_SECONDS = 15
_SHOWN = 50


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 when the ring is not in the state for it, 2 when Postgres or the settings are not."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["withdraw"] and given[1:2] not in (["-h"], ["--help"]):
        given.insert(1, "--")  # one key id of 64 begins with a hyphen, and is no option
    chosen = _parser().parse_args(given)
    with wrong_settings_in_words("keys"):
        postgres, signing = PostgresSettings(min_connections=0), SigningSettings()  # pyright: ignore[reportCallIssue] - from the environment
    configure_logs("users-keys", "ERROR")
    return asyncio.run(_run(chosen, postgres, Ring.of(signing)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m users.keys", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every key with its state and times, the newest first")
    rotate = commands.add_parser("rotate", help="let a new key follow, once every cache has it; no token is refused")
    rotate.add_argument("--now", action="store_true", help="let it sign at once")
    withdraw = commands.add_parser("withdraw", help="take a key out at once: all its tokens are refused within 5 s")
    withdraw.add_argument("key_id", metavar="KID")
    return parser


async def _run(chosen: argparse.Namespace, settings: PostgresSettings, ring: Ring) -> int:
    database = Database(settings, application_name="users-keys")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await database.open()
        async with database.transaction() as connection:
            words = await _command(connection, chosen, ring)
        print(words)  # after the commit
    except (KeyChangeRefusedError, UnusableKeyError) as error:
        print(f"nothing was changed: {error}", file=sys.stderr)
        return 1
    except asyncpg.UndefinedTableError:
        print("there are no keys: the users service never ran on this database", file=sys.stderr)
        return 2
    except (*UNAVAILABLE, asyncpg.PostgresError) as error:
        print(f"Postgres does not answer at DATABASE_URL: {type(error).__name__}", file=sys.stderr)
        return 2
    else:
        return 0
    finally:
        await database.close()


async def _command(connection: Connection, chosen: argparse.Namespace, ring: Ring) -> str:
    now = datetime.now(UTC)
    match chosen.command:
        case "list":
            return "\n".join(_line(key, now) for key in await store.newest(connection, _SHOWN)) or "there are no keys"
        case "rotate":
            key = await key_rotation.rotate(connection, ring, now, at_once=chosen.now)
            if chosen.now:
                return (
                    f"{key.key_id} signs now, everywhere within 2 s. The key before it verifies for 19 minutes more.\n"
                    "A service whose key set is older may refuse the first new tokens for up to 5 s.\n"
                    "If the old key has leaked, withdraw it as well: `withdraw KID`; `list` shows it."
                )
            return (
                f"{key.key_id} is published now and signs from {_time(key.signs_from)}, when every cache has it.\n"
                "The key before it verifies until 19 minutes later. No token is refused; nothing is left to do."
            )
        case _:
            follows = await key_rotation.withdraw(connection, ring, chosen.key_id, now)
            words = [f"{chosen.key_id} is withdrawn: out of the key set within 2 s, its tokens refused within 5 s."]
            if follows is not None:
                words += [f"{follows.key_id} signs now. Clients get a new token with their refresh token."]
            return "\n".join(words)


def _line(key: KeyRecord, now: datetime) -> str:
    state = key.state_at(now)
    match state:
        case KeyState.NEXT:
            told = f"signs from {_time(key.signs_from)}"
        case KeyState.ACTIVE:
            told = f"signs since {_time(key.signs_from)}"
            told += f", until {_time(key.signs_until)}" if key.signs_until else ""
        case KeyState.RETIRED:
            told = f"verifies until {_time(key.verifies_until)}"
        case _:
            told = f"{'withdrawn' if key.withdrawn_at else 'ended'} {_time(key.verifies_until)}"
    return f"{key.key_id}  {key.algorithm.value}  {state.value:7}  {told}"


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""


if __name__ == "__main__":
    raise SystemExit(main())
