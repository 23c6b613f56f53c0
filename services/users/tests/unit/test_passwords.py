import pytest

from users.domain import passwords
from users.domain.passwords import check_password


@pytest.mark.parametrize("password", ["Abcdefh1", "Admin12345", "Demo12345", "É" + "a" * 6 + "1", "A1" + "x" * 126])
def test_good_passwords(password: str):
    assert check_password(password) == password


@pytest.mark.parametrize(
    "password",
    [
        "Abcdef1",
        "A1" + "x" * 127,
        "abcdefg1",
        "Abcdefgh",
        "Password1",
        "PASSWORD123",
        "Qwerty123",
        "Abcdefg1",
        "Charlie1",
        "P@ssw0rd1",
        "Abcdefg1\ud800",
    ],
)
def test_bad_passwords(password: str):
    with pytest.raises(ValueError, match=r"password|Unicode") as caught:
        check_password(password)
    assert password not in str(caught.value)


@pytest.mark.parametrize(
    "password",
    ["Ada1@Example.com", "Lovelace1815", "AdaLovelace1", "!Countess-1815!", "ada.Lovelace.1", "EXAMPLE12345"],
)
def test_name_and_address_are_no_password(password: str):
    email = "ada1@example.com" if "@" in password else "countess@example.com"
    with pytest.raises(ValueError, match="name or the e-mail address") as caught:
        check_password(password, email, "Ada Lovelace")
    assert password not in str(caught.value)


@pytest.mark.parametrize(
    ("password", "email", "name"),
    [
        ("TestPass123", "test@example.com", "Test User"),
        ("Lovelaces1815", "ada@example.com", "Ada Lovelace"),
        ("Correct1Horse", "", ""),
        ("Al12345678X", "al@example.com", "Al X"),
    ],
)
def test_a_password_that_says_more_is_taken(password: str, email: str, name: str):
    assert check_password(password, email, name) == password


def test_the_list_is_a_real_one():
    assert len(passwords._common()) > 5000
