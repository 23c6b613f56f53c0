import pytest
from hypothesis import given
from hypothesis import strategies as st

from users.domain.names import check_name, split_name


@pytest.mark.parametrize(
    "name",
    ["Ada", "Jean-Luc Picard", "O'Brien", "Zoë", "Nguyễn Thị Minh", "李小龍", "محمد", "नरेन्द्र मोदी", "a" * 100],
)
def test_names_of_any_script_are_taken(name: str):
    assert check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "-",
        "'",
        "a" * 101,
        "R2D2",
        "<b>Ada</b>",
        "Ada\nBcc: x",
        "Ada\x00",
        "ada@example.com",
        "\ud800",
        "🙂",
        "\u0301",
    ],
)
def test_other_names_are_refused(name: str):
    with pytest.raises(ValueError, match="name"):
        check_name(name)


def test_a_decomposed_name_is_composed():
    assert check_name(" Zoe\u0308 ") == "Zo\u00eb"


@given(st.text(max_size=120))
def test_what_is_taken_stays_as_it_is(text: str):
    try:
        name = check_name(text)
    except ValueError:
        return
    assert check_name(name) == name
    assert 1 <= len(name) <= 100
    assert "\n" not in name


@pytest.mark.parametrize(
    ("name", "parts"),
    [("Demo User", ("Demo", "User")), ("Cher", ("Cher", "")), ("Ludwig van Beethoven", ("Ludwig", "van Beethoven"))],
)
def test_split(name: str, parts: tuple[str, str]):
    assert split_name(name) == parts
