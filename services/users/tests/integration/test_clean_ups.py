"""What is over goes, and nothing else."""

import os
from pathlib import Path
from uuid import UUID, uuid4

import httpx

from shared.postgres import Database
from users.avatar_files import AvatarFiles
from users.clearing_avatars import delete_lost_uploads
from users.store import avatars, sessions

from .people import Account, Accounts

PATH = "/api/v1/users/me/sessions"


async def _change(database: Database, session_id: int, change: str) -> None:
    async with database.acquire() as connection:
        await connection.execute(f"UPDATE sessions SET {change} WHERE id = $1", session_id)  # noqa: S608 - ours


async def _log_in(client: httpx.AsyncClient, accounts: Accounts, account: Account) -> int:
    await accounts.log_in(account.email)
    return (await client.get(PATH, headers=account.headers)).json()["items"][0]["id"]


async def test_sessions_that_are_over_go_in_batches_with_their_tokens_and_no_others(
    client: httpx.AsyncClient, account: Account, accounts: Accounts, database: Database
) -> None:
    async with database.acquire() as connection:
        while await sessions.trim(connection, 1000):
            pass
    [expired, ended, just_ended, living] = [await _log_in(client, accounts, account) for _ in range(4)]
    await _change(database, expired, "expires_at = now() - interval '1 minute'")
    await _change(database, ended, "ended_at = now() - interval '25 hours', end_reason = 'logout'")
    await _change(database, just_ended, "ended_at = now() - interval '23 hours', end_reason = 'logout'")
    async with database.acquire() as connection:
        assert [await sessions.trim(connection, 1) for _ in range(3)] == [1, 1, 0]
        left = {row["id"] for row in await connection.fetch("SELECT id FROM sessions WHERE user_id = $1", account.id)}
        tokens = await connection.fetch(
            "SELECT DISTINCT session_id FROM refresh_tokens WHERE session_id = ANY($1::bigint[])",
            [expired, ended, just_ended, living],
        )
    assert left >= {just_ended, living}
    assert not left & {expired, ended}
    assert {row["session_id"] for row in tokens} == {just_ended, living}
    assert (await client.get(PATH, headers=account.headers)).status_code == 200


async def test_a_picture_that_a_job_will_want_outlasts_any_time_without_workers(
    account: Account, database: Database, tmp_path: Path
) -> None:
    files = AvatarFiles(tmp_path)
    assert files.usable()

    def upload(*, old: bool) -> UUID:
        upload_id = uuid4()
        files.upload(upload_id).touch()
        if old:
            os.utime(files.upload(upload_id), (0, 0))
        return upload_id

    lost, waiting, fresh = upload(old=True), upload(old=True), upload(old=False)
    async with database.transaction() as connection:
        await avatars.put(connection, account.id, waiting, uuid4())
        assert await delete_lost_uploads(files, connection, 10) == 1
    assert not files.upload(lost).exists()
    assert files.upload(waiting).exists()
    assert files.upload(fresh).exists()
