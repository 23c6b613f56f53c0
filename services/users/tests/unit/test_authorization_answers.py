import pytest

from users.domain.authorization_answers import form_source, identifies_its_owner, with_parameters


@pytest.mark.parametrize(
    ("redirect_uri", "source"),
    [
        ("https://app.example/back", "https://app.example"),
        ("https://app.example:8443/back?x=1", "https://app.example:8443"),
        ("http://127.0.0.1:1234/back", "http://127.0.0.1:1234"),
        ("http://[::1]:1234/back", "http:"),
        # What could end the source and begin another directive names no more than its scheme.
        ("https://app.example;script-src/back", "https:"),
        ("https://*/back", "https:"),
    ],
)
def test_where_a_form_may_lead(redirect_uri: str, source: str):
    assert form_source(redirect_uri) == source


def test_the_answer_is_added_to_the_query_that_is_there():
    parameters = [("code", "a b&c"), ("iss", "https://id.example")]
    added = "code=a+b%26c&iss=https%3A%2F%2Fid.example"
    assert with_parameters("https://app.example/back", parameters) == f"https://app.example/back?{added}"
    assert with_parameters("https://app.example/back?x=1", parameters) == f"https://app.example/back?x=1&{added}"


def test_only_a_domain_over_tls_says_whose_it_is():
    assert identifies_its_owner("https://app.example/back")
    assert not identifies_its_owner("http://127.0.0.1/back")
