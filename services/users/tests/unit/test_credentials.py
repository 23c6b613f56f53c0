import pytest

from users.domain.account import Role
from users.domain.credentials import api_key, digest, matches, new_key_secret, new_refresh_token, parse_api_key
from users.domain.scopes import narrowed, scopes_of


def test_a_key_is_read_back():
    secret = new_key_secret()
    assert parse_api_key(api_key(42, secret)) == (42, secret)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gh_",
        "gh_1_short",
        "gh_01_" + "a" * 43,
        "gh_1_" + "a" * 44,
        "gh_-1_" + "a" * 43,
        "gh_" + "9" * 19 + "_" + "a" * 43,
        "gh_1_" + "a" * 43 + "\n",
        "gh_\u0661_" + "a" * 43,
    ],
)
def test_what_is_no_key(text: str):
    assert parse_api_key(text) is None


def test_only_the_secret_matches_its_digest():
    token = new_refresh_token()
    assert token.startswith("ghr_")
    assert matches(token, digest(token))
    assert not matches(token[:-1] + ("a" if token[-1] != "a" else "b"), digest(token))


def test_a_key_without_the_admin_scope_makes_no_admin():
    assert narrowed(Role.ADMIN, ["orders:read"]) == (Role.USER, ("orders:read",))
    assert narrowed(Role.ADMIN, ["orders:read", "admin"]) == (Role.ADMIN, ("orders:read", "admin"))


def test_a_scope_that_the_owner_lost_is_lost_to_the_key():
    assert narrowed(Role.USER, ["orders:read", "admin"]) == (Role.USER, ("orders:read",))
    assert "admin" not in scopes_of(Role.USER)
