import pytest

from users.domain.emails import check_email, email_key


def test_the_domain_is_lower_cased_and_the_rest_kept():
    assert check_email("Ada.Lovelace@EXAMPLE.com") == "Ada.Lovelace@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "a b@example.com",
        "ada@example",
        "a@b@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "Ada <ada@example.com>",
        "\ud800@example.com",
        "a" * 65 + "@example.com",
    ],
)
def test_what_is_no_address(text: str):
    with pytest.raises(ValueError, match="e-mail"):
        check_email(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.com", "ADA@Example.COM"),
        ("straße@example.com", "STRASSE@example.com"),
        ("zoe\u0308@example.com", "ZO\u00cb@example.com"),
        ("ada@xn--exmple-cua.com", "ada@ex\u00e4mple.com"),
    ],
)
def test_two_spellings_of_one_address(one: str, other: str):
    assert email_key(one) == email_key(other)


def test_what_is_no_address_has_a_key_too():
    assert email_key(" Nobody ") == "nobody"
