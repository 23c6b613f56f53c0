import pytest

from users.domain.redirect_uris import check_redirect_uri, redirect_uri_is_registered


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback",
        "https://app.example:8443/callback?from=gatehouse",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:49152/callback",
        "http://[::1]:49152/",
    ],
)
def test_addresses_that_are_taken(uri: str):
    assert check_redirect_uri(uri) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "app.example/callback",
        "//app.example/callback",
        "http://app.example/callback",
        "http://localhost/callback",
        "http://127.0.0.2/callback",
        "http://127.1/callback",
        "http://127.0.0.1.app.example/callback",
        "http://127.0.0.1@app.example/callback",
        "https://user@app.example/callback",
        "https://*.app.example/callback",
        "https://app.example/callback#",
        "https://app.example/callback#part",
        "https://app.example/call back",
        "https://app.example/call\nback",
        "https://app.example\\@evil.example/",
        "https://app.example:port/callback",
        "https://äpp.example/callback",
        "https:///callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "com.example.app:/callback",
        "https://app.example/" + "a" * 2000,
    ],
)
def test_addresses_that_are_not(uri: str):
    with pytest.raises(ValueError, match=r"\w"):
        check_redirect_uri(uri)


@pytest.mark.parametrize(
    ("given", "registered", "same"),
    [
        ("https://app.example/back", "https://app.example/back", True),
        ("https://app.example/back/", "https://app.example/back", False),
        ("https://app.example/back?a=1", "https://app.example/back", False),
        ("https://APP.example/back", "https://app.example/back", False),
        ("https://app.example:443/back", "https://app.example/back", False),
        ("https://app.example.evil.example/back", "https://app.example/back", False),
        ("http://127.0.0.1:50000/back", "http://127.0.0.1/back", True),
        ("http://127.0.0.1:50000/back", "http://127.0.0.1:40000/back", True),
        ("http://[::1]:50000/back", "http://[::1]/back", True),
        ("http://[::1]:50000/back", "http://127.0.0.1/back", False),
        ("http://127.0.0.1:50000/other", "http://127.0.0.1/back", False),
        ("http://127.0.0.1:50000/back?a=1", "http://127.0.0.1/back", False),
        ("https://127.0.0.1:50000/back", "https://127.0.0.1/back", False),
        ("http://127.0.0.1:port/back", "http://127.0.0.1/back", False),
        ("", "https://app.example/back", False),
    ],
)
def test_only_the_port_of_the_loopback_may_be_another(given: str, registered: str, same: bool):  # noqa: FBT001 - a parameter of the test
    """RFC 9700 section 2.1, RFC 8252 section 7.3."""
    assert redirect_uri_is_registered(given, [registered]) is same
