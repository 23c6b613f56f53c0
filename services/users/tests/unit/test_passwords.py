import pytest

from users.domain.passwords import check_password


@pytest.mark.parametrize("password", ["Abcdefg1", "Admin12345", "Demo12345", "É" + "a" * 6 + "1", "A1" + "x" * 126])
def test_good_passwords(password: str):
    assert check_password(password) == password


@pytest.mark.parametrize(
    "password",
    ["Abcdef1", "A1" + "x" * 127, "abcdefg1", "Abcdefgh", "Password1", "PASSWORD123", "Qwerty123", "Abcdefg1\ud800"],
)
def test_bad_passwords(password: str):
    with pytest.raises(ValueError, match=r"password|Unicode") as caught:
        check_password(password)
    assert password not in str(caught.value)


def test_the_address_is_no_password():
    with pytest.raises(ValueError, match="address"):
        check_password("Ada1@Example.com", "ada1@example.com")
