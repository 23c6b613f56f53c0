"""``gateway explain`` says where a request goes and why; ``gateway check`` what is wrong, at once, and suspicious."""

from pathlib import Path

import pytest

from gateway.cli import main

FILE = """\
[upstreams.main]
url = "http://main:1"
[upstreams.other]
url = "http://other:2"
[switches.shop]
active = "green"
upstreams = { blue = "main", green = "other" }
[admission]
hosts = ["localhost", "api.example.com"]
[defaults]
versions = [1, 2]
[[routes]]
name = "things"
path = "/api/things/{id}"
methods = ["GET"]
upstream = "main"
deny = ["10.0.0.0/8"]
[[routes]]
name = "beta"
path = "/api/things/{id}"
methods = ["GET"]
upstream = "other"
when = { headers = { x-beta = "1" } }
[[routes]]
name = "hosted"
path = "/api/things/{id}"
methods = ["GET"]
hosts = ["api.example.com"]
upstream = "main"
[[routes]]
name = "canary"
path = "/canary"
methods = ["GET"]
versions = []
upstream = "main"
rewrite = { path = "/new" }
mirror = { upstream = "other", share = 0.5 }
[[routes.split]]
upstream = "other"
weight = 100
[[routes]]
name = "switched"
path = "/shop/{rest*}"
methods = ["*"]
versions = []
upstream = "shop"
[[routes]]
path = "/old"
methods = ["GET"]
versions = []
redirect = { to = "/shop/x" }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "routes.toml"
    file.write_text(FILE)
    return file


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("GET /api/v1/things/7", ["-> http://main:1/api/v1/things/7", "things, version 1 (by path)"]),
        ("GET /api/things/7?version=2", ["-> http://main:1/api/v2/things/7", "version 2 (by the query)"]),
        ("GET /api/things/7", ["version 1 (the default)", "not        beta: asks that header x-beta = 1"]),
        ("GET /api/things/7 -H Accept:application/vnd.api+json;version=2", ["version 2 (by Accept)"]),
        (
            "get /api/v2/things/7 -H X-Beta:1",
            ["-> http://other:2/api/v2/things/7", "and header x-beta = 1", "otherwise  things"],
        ),
        ("GET /api/v1/things/7 -H Host:api.example.com", ["of host api.example.com", "otherwise  things"]),
        ("GET /canary --user 7", ["-> http://other:2/new", "split      other 100 % by client: other", "50% of safe"]),
        ("PURGE /shop/a", ["-> http://other:2/shop/a", "switch     shop stands for other"]),
    ],
)
def test_it_says_where_and_why(file: Path, capsys: pytest.CaptureFixture[str], words: str, said: list[str]):
    assert main(["explain", *words.split(), "--file", str(file)]) == 0
    out = capsys.readouterr().out
    assert all(text in out for text in said), out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("GET /api/v1/things/7 --address 10.1.2.3", "403 address_not_allowed"),
        ("GET /api/v1/things/7 -H Host:evil.test", "421 misdirected_request"),
        ("GET /old", "308 redirect\n  location: /shop/x"),
        ("GET /shop/a%2fb", "400 bad_path"),
        ("GET /nothing", "404 route_not_found"),
        ("GET /shop/a -H nonsense", "400 bad_request"),
    ],
)
def test_it_says_what_a_request_is_refused_with(file: Path, capsys: pytest.CaptureFixture[str], words: str, said: str):
    assert main(["explain", *words.split(), "--file", str(file)]) == 1
    assert said in capsys.readouterr().out


def check(file: Path, capsys: pytest.CaptureFixture[str], *changes: tuple[str, str]) -> tuple[int, list[str]]:
    text = FILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)
    status = main(["check", str(file)])
    return status, [line.removeprefix(f"{file}:") for line in capsys.readouterr().err.splitlines()]


def test_everything_wrong_is_told_at_once_by_its_line(file: Path, capsys: pytest.CaptureFixture[str]):
    status, errors = check(
        file,
        capsys,
        ('methods = ["GET"]\nupstream = "main"\ndeny', 'method = ["GET"]\nupstream = "main"\ndeny'),
        ("weight = 100", "weight = 101"),
        ('upstream = "shop"', 'upstream = "shp"'),
    )
    assert status == 1
    assert errors[0].startswith("12: routes[0].methods: Field required")
    assert errors[1].endswith("routes[0].method: Extra inputs are not permitted; did you mean 'methods'?")
    assert errors[2].startswith("40: routes[3].split[0].weight: ")
    assert errors[3] == "46: routes[4].upstream: there is no upstream 'shp'; did you mean 'shop'?"


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('to = "/shop/x"', 'to = "//evil.test/x"', "a path begins with one slash"),
        ('to = "/shop/x"', 'to = "https://{id}/x"', "whose host has no parameter"),
        ('to = "/shop/x"', 'to = "/shop/{id}"', "redirect.to has a parameter {id} that path has not"),
        ('rewrite = { path = "/new" }', 'rewrite = { strip_prefix = "/can" }', "path does not begin with"),
        (
            'rewrite = { path = "/new" }',
            'request_headers = { set = { Authorization = "x" } }',
            "Authorization is the gateway's own to state",
        ),
        (
            'rewrite = { path = "/new" }',
            'request_headers = { set = { X-User-Id = "1" } }',
            "X-User-Id is the gateway's own to state",
        ),
        (
            'rewrite = { path = "/new" }',
            'request_headers = { set = { Transfer-Encoding = "x" } }',
            "belongs to the connection or the framing",
        ),
        (
            'rewrite = { path = "/new" }',
            'request_headers = { remove = ["Idempotency-Key"] }',
            "it says what may be sent twice",
        ),
        (
            'rewrite = { path = "/new" }',
            'response_headers = { set = { X-A = "a\\r\\nset-cookie: b" } }',
            "the value of X-A has control characters",
        ),
        (
            'rewrite = { path = "/new" }',
            'response_headers = { set = { X-Request-ID = "1" } }',
            "X-Request-ID is the gateway's own to state",
        ),
        (
            'rewrite = { path = "/new" }',
            'cors = { origins = ["*"], credentials = true }',
            "credentials need exact origins",
        ),
        ('deny = ["10.0.0.0/8"]', 'deny = ["10.0.0.1/8"]', "a network is an address or a CIDR block"),
        ('green = "other"', 'green = "othr"', "there is no upstream 'othr'; did you mean 'other'?"),
        ('active = "green"', 'active = "red"', "active is one of blue, green"),
        ('path = "/shop/{rest*}"', 'path = "/{id}/{rest*}"\nrewrite = { path = "/{rest}/{id}" }', "only as its last"),
    ],
)
def test_what_would_be_unsafe_is_refused(
    file: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, error: str
):
    status, errors = check(file, capsys, (old, new))
    assert status == 1
    assert any(error in line for line in errors), errors


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ('path = "/old"', 'path = "/health/live"', "the gateway answers this path by itself"),
        ("[admission]", '[upstreams.spare]\nurl = "http://x:1"\n[admission]', "upstreams.spare: warning: nothing"),
        ('hosts = ["api.example.com"]\nup', 'hosts = ["x.test"]\nup', "no request for these hosts is let in"),
        ('deny = ["10.0.0.0/8"]', 'allow = ["10.1.0.0/16"]\ndeny = ["10.0.0.0/8"]', "every network of it is denied"),
        ('mirror = { upstream = "other"', 'mirror = { upstream = "main"', "'main' gets the requests anyway"),
        (
            'deny = ["10.0.0.0/8"]',
            (
                "deprecated = { version = 1, since = 2020-01-01T00:00:00Z, "
                'sunset = 2021-01-01T00:00:00Z, successor = "/x" }'
            ),
            "version 1 is past its sunset",
        ),
    ],
)
def test_what_is_suspicious_is_told_and_taken(
    file: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, warning: str
):
    status, warnings = check(file, capsys, (old, new))
    assert status == 0
    assert len(warnings) == 1
    assert warning in warnings[0]


def test_a_sound_file_gets_no_warning(file: Path, capsys: pytest.CaptureFixture[str]):
    assert check(file, capsys) == (0, [])
