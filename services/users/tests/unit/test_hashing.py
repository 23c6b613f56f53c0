"""TRAPS.md, Auth 5: argon2id off the loop and bounded, bcrypt verified."""

import asyncio
from collections.abc import Iterator

import bcrypt
import pytest
from argon2 import PasswordHasher

from shared.problems import Unavailable
from users.hashing import Passwords, Verdict
from users.settings import PasswordSettings


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(PasswordSettings())
    yield made
    made.close()


async def test_the_hash_is_argon2id_as_owasp_says(passwords: Passwords):
    stored = await passwords.hash("Correct-Horse-7")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(stored, "Correct-Horse-7") == Verdict(matches=True, outdated=False)
    assert not (await passwords.verify(stored, "correct-horse-7")).matches


@pytest.mark.parametrize("prefix", [b"2a", b"2b", b"2y"])
async def test_bcrypt_is_verified_and_outdated(passwords: Passwords, prefix: bytes):
    made = bcrypt.hashpw(b"Correct-Horse-7", bcrypt.gensalt(4)).replace(b"$2b$", b"$" + prefix + b"$").decode()
    assert await passwords.verify(made, "Correct-Horse-7") == Verdict(matches=True, outdated=True)
    assert not (await passwords.verify(made, "Correct-Horse-8")).matches


async def test_a_bcrypt_hash_of_more_than_72_bytes_is_verified(passwords: Passwords):
    password = "Aé1" + "x" * 90
    made = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    assert (await passwords.verify(made, password)).matches


async def test_a_weaker_argon2_hash_is_outdated(passwords: Passwords):
    weaker = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("Correct-Horse-7")
    assert await passwords.verify(weaker, "Correct-Horse-7") == Verdict(matches=True, outdated=True)


async def test_a_stored_hash_of_no_known_scheme_matches_nothing(passwords: Passwords):
    assert not (await passwords.verify("!", "Correct-Horse-7")).matches


async def test_nobody_matches_nothing(passwords: Passwords):
    assert not (await passwords.verify(None, "Correct-Horse-7")).matches


async def test_composed_and_decomposed_letters_are_one_password(passwords: Passwords):
    stored = await passwords.hash("Zo\u00eb-1234")
    assert (await passwords.verify(stored, "Zoe\u0308-1234")).matches


async def test_the_loop_turns_while_hashing(passwords: Passwords):
    work = asyncio.gather(*(passwords.hash("Correct-Horse-7") for _ in range(8)))
    turns = 0
    while not work.done():
        turns += 1
        await asyncio.sleep(0)
    await work
    assert turns > 100  # eight hashes on the loop would leave it a dozen


async def test_a_full_queue_is_said_at_once():
    passwords = Passwords(PasswordSettings(threads=1, queue=1))
    try:
        answers = await asyncio.gather(*(passwords.hash("Correct-Horse-7") for _ in range(6)), return_exceptions=True)
        assert sum(isinstance(answer, Unavailable) for answer in answers) == 4
        assert await passwords.hash("Correct-Horse-7")
    finally:
        passwords.close()
