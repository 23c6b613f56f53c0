import pytest

from reports.api.v1.webhook_schemas import check_events


def test_a_refusal_shows_the_beginning_of_what_it_refuses():
    with pytest.raises(ValueError, match=r"^cannot be heard here: A{60}$"):
        check_events(["A" * 900_000], everyone=False)


def test_a_refusal_of_many_shows_none():
    with pytest.raises(ValueError, match=r"^cannot be heard here$"):
        check_events([f"no.{number}" for number in range(4)], everyone=True)
