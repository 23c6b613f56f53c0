"""Which route serves a request: hosts, paths, methods, conditions, and what is said when none does."""

from pathlib import Path

import pytest

from gateway.problem import Refusal
from gateway.routes.load import RoutesError, load_routes
from gateway.routes.match import Match, match
from gateway.routes.table import RouteTable

FILE = """\
[upstreams.a]
url = "http://127.0.0.1:1"

[defaults]
limits = []
identity = "ignored"
"""
ROUTES = """
words     /things/new                    GET
one       /things/{id}                   GET,PUT
deep      /things/{id}/parts/{part}      GET
named     /things/{id}/parts/all         POST
rest      /things/{rest*}                GET
files     /files/{rest*}                 *
options   /asked                         GET,OPTIONS
head      /asked/head                    GET
headonly  /asked/head                    HEAD
exact     /where                         GET      hosts=["api.example.com"]
wild      /where                         GET      hosts=["*.example.com"]
deeper    /where                         GET      hosts=["*.eu.example.com"]
anywhere  /where                         GET
onlyhost  /hosted                        GET      hosts=["api.example.com"]
plain     /beta                          GET
beta      /beta                          GET      when={headers={X-Beta="1"}}
betaboth  /beta                          GET      when={headers={x-beta="1"},query={preview=true}}
old       /beta                          GET      when={headers={x-old=true,x-beta=false}}
strict    /strict                        GET      when={query={mode="a b"}}
strict2   /strict                        GET      when={query={mode="c"}}
fallback  /{rest*}                       GET
"""


def table(tmp_path: Path, rows: str, head: str = FILE) -> RouteTable:
    text = head
    for row in rows.strip().splitlines():
        name, path, methods, *options = row.split(maxsplit=3)
        named = ", ".join(f'"{method}"' for method in methods.split(","))
        text += f'\n[[routes]]\nname = "{name}"\npath = "{path}"\nmethods = [{named}]\nupstream = "a"\n'
        for option in options:
            key, _, value = option.partition("=")
            text += f"{key} = {value.replace('=', ' = ')}\n"
    file = tmp_path / "routes.toml"
    file.write_text(text)
    return RouteTable(load_routes(file, {}))


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> RouteTable:
    return table(tmp_path_factory.mktemp("match"), ROUTES)


def ask(routes: RouteTable, method: str, target: str, host: str = "", headers: dict[str, str] | None = None) -> Match:
    path, _, query = target.partition("?")
    lines = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    return match(routes, method.encode(), path.encode(), query.encode(), None, host.encode(), lines)


@pytest.mark.parametrize(
    ("method", "target", "name", "parameters"),
    [
        ("GET", "/things/new", "words", []),
        ("GET", "/things/7", "one", [b"7"]),
        ("HEAD", "/things/7", "one", [b"7"]),
        ("PUT", "/things/7", "one", [b"7"]),
        ("GET", "/things/7/parts/8", "deep", [b"7", b"8"]),
        ("POST", "/things/7/parts/all", "named", [b"7"]),
        ("GET", "/things/7/other", "rest", [b"7/other"]),
        ("GET", "/things/new/other", "rest", [b"new/other"]),
        ("GET", "/things/", "rest", [b""]),
        ("GET", "/things/a/", "rest", [b"a/"]),
        ("GET", "/files/a", "files", [b"a"]),
        ("PROPFIND", "/files/a", "files", [b"a"]),
        ("OPTIONS", "/files/a", "files", [b"a"]),
        ("OPTIONS", "/asked", "options", []),
        ("HEAD", "/asked/head", "headonly", []),
        ("GET", "/asked/head", "head", []),
        ("GET", "/", "fallback", [b""]),
        ("GET", "/files", "fallback", [b"files"]),
        ("GET", "/thingsX", "fallback", [b"thingsX"]),
    ],
)
def test_a_path_finds_its_route(routes: RouteTable, *, method: str, target: str, name: str, parameters: list[bytes]):
    found = ask(routes, method, target)
    assert (found.route.name, found.parameters, found.upstream) == (name, parameters, "a")
    assert found.varies == ()


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("DELETE", "/things/7", b"GET, HEAD, OPTIONS, PUT"),
        # A wider path takes GET, but this one is there and does not.
        ("GET", "/things/7/parts/all", b"OPTIONS, POST"),
        ("PUT", "/things/new", b"GET, HEAD, OPTIONS"),
        ("TRACE", "/files/a", b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("CONNECT", "/files/a", b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
    ],
)
def test_a_path_decides_before_the_method(routes: RouteTable, method: str, target: str, allow: bytes):
    with pytest.raises(Refusal) as caught:
        ask(routes, method, target)
    assert (caught.value.status, caught.value.code) == (405, "method_not_allowed")
    assert caught.value.headers == ((b"allow", allow),)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("api.example.com", "exact"),
        ("API.Example.com:8443", "exact"),
        ("api.example.com.", "exact"),
        ("www.example.com", "wild"),
        ("a.b.example.com", "wild"),
        ("a.eu.example.com", "deeper"),
        ("example.com", "anywhere"),
        ("notexample.com", "anywhere"),
        ("[::1]:80", "anywhere"),
        ("", "anywhere"),
    ],
)
def test_the_most_specific_host_wins(routes: RouteTable, host: str, name: str):
    assert ask(routes, "GET", "/where", host).route.name == name


def test_a_path_that_the_host_has_not_is_looked_up_for_any_host(routes: RouteTable):
    assert ask(routes, "GET", "/things/7", "api.example.com").route.name == "one"
    assert ask(routes, "GET", "/hosted", "api.example.com").route.name == "onlyhost"
    assert ask(routes, "GET", "/hosted", "www.example.com").route.name == "fallback"


@pytest.mark.parametrize(
    ("target", "headers", "name"),
    [
        ("/beta", {}, "plain"),
        ("/beta", {"x-beta": "1"}, "beta"),
        ("/beta", {"x-beta": "2"}, "plain"),
        ("/beta?preview", {"x-beta": "1"}, "betaboth"),
        ("/beta?pre%76iew=", {"x-beta": "1"}, "betaboth"),
        ("/beta?preview=1", {}, "plain"),
        ("/beta", {"x-old": ""}, "old"),
        ("/beta", {"x-old": "", "x-beta": "1"}, "beta"),
        ("/strict?mode=a+b", {}, "strict"),
        ("/strict?x=1&mode=a%20b", {}, "strict"),
        ("/strict?mode=c", {}, "strict2"),
        ("/strict?mode=d", {}, "fallback"),
        ("/strict", {}, "fallback"),
    ],
)
def test_who_asks_for_most_wins(routes: RouteTable, target: str, headers: dict[str, str], name: str):
    found = ask(routes, "GET", target, headers=headers)
    assert found.route.name == name
    assert set(found.varies) == ({b"x-beta", b"x-old"} if target.startswith("/beta") else set())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a /x/{id} GET\nb /x/{other} GET", "GET is already taken by routes[0]"),
        ("a /x/{id} *\nb /x/{other} *", "* is already taken by routes[0]"),
        ("a /x/{r*} GET\nb /x/{other*} GET", "GET is already taken by routes[0]"),
        ('a /x GET hosts=["A.b"]\nb /x GET hosts=["c.d","a.B"]', "already taken by routes[0]"),
        ("a /x GET when={query={a=true}}\nb /x GET when={query={b=true}}", "give one of them another condition"),
        ("a /x GET when={query={a=true}}\nb /x GET when={headers={a=false}}", "give one of them another condition"),
        ("a /x/{id}/{id} GET", "a parameter of path is there twice"),
        ("a /x/{id*}/y GET", "only a last part may be {name*}"),
        ('a /x GET hosts=["*"]', "String should match pattern"),
        ('a /x GET hosts=["a.*.b"]', "String should match pattern"),
        ("a /x GET when={}", "when asks for nothing"),
        ('a /x GET when={headers={"a b"=true}}', "is no name of a header"),
    ],
)
def test_routes_between_which_nothing_decides_are_refused(tmp_path: Path, rows: str, message: str):
    with pytest.raises(RoutesError) as caught:
        table(tmp_path, rows)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "rows",
    [
        'a /x GET hosts=["a.b"]\nb /x GET hosts=["*.b"]\nc /x GET',
        'a /x GET when={query={a="1"}}\nb /x GET when={query={a="2"}}',
        "a /x GET when={headers={X-A=true}}\nb /x GET when={headers={x-a=false}}",
        "a /x GET\nb /x POST\nc /x *",
        "a /x/{r*} GET\nb /x/{id} GET\nc /x/y GET",
    ],
)
def test_routes_that_differ_stand_together(tmp_path: Path, rows: str):
    assert len(table(tmp_path, rows).routes) == len(rows.splitlines())


def test_a_slash_at_the_end_is_only_for_a_route_that_takes_the_rest(tmp_path: Path):
    routes = table(tmp_path, "one /things/{id} GET\nfiles /files/{rest*} GET")
    assert ask(routes, "GET", "/files/a/").route.name == "files"
    for path in ("/things/7/", "/things/", "/other/"):
        with pytest.raises(Refusal) as caught:
            ask(routes, "GET", path)
        assert (caught.value.status, caught.value.code) == (400, "bad_path")


def test_what_is_remembered_of_matches_is_bounded_in_bytes_too(tmp_path: Path):
    """A preflight asks about a method in a header, which may be 30 kB long."""
    routes = table(tmp_path, "files /files/{rest*} *")
    for method in ("GET", "X" * 30_000):
        assert ask(routes, method, "/files/a").route.name == "files"
    assert [len(method) for method, *_ in routes.known] == [3]


VERSIONED = """\
path = "/api/things"
versions = [1, 2, 3]
[[routes.deprecated]]
version = 1
since = 2026-01-01T00:00:00Z
sunset = 2040-01-01T00:00:00Z
successor = "/api/v3/things"
[[routes.deprecated]]
version = 2
since = 2026-02-01T00:00:00Z
sunset = 2041-01-01T00:00:00Z
successor = "/api/v3/things"
[[routes]]
name = "beta"
path = "/api/things"
methods = ["GET"]
upstream = "a"
versions = [3]
when = { headers = { x-beta = true } }
[[routes]]
name = "rest"
path = "/{rest*}"
"""


def test_versions_and_conditions_and_a_catch_all_stand_together(tmp_path: Path):
    common = 'methods = ["GET"]\nupstream = "a"\n'
    text = FILE + "[[routes]]\n" + common + VERSIONED + common
    file = tmp_path / "routes.toml"
    file.write_text(text)
    routes = RouteTable(load_routes(file, {}))
    for version in (1, 2, 3):
        found = ask(routes, "GET", f"/api/v{version}/things")
        assert (found.route.version, found.route.sunset is not None) == (version, version < 3)
    found = ask(routes, "GET", "/api/things?version=3", headers={"x-beta": ""})
    assert (found.route.name, found.path, found.query) == ("beta", b"/api/v3/things", b"")
    assert ask(routes, "GET", "/api/v3/things", headers={"x-beta": ""}).route.name == "beta"
    assert ask(routes, "GET", "/other/v1/things").route.name == "rest"
    # The prefix is not for routes without versions.
    for path, code in (("/api/other", "route_not_found"), ("/api/v9/things", "version_not_found")):
        with pytest.raises(Refusal) as caught:
            ask(routes, "GET", path)
        assert (caught.value.status, caught.value.code) == (404, code)


def test_without_versions_no_path_is_read_as_one(tmp_path: Path):
    routes = table(tmp_path, "rest /{rest*} GET\nv /api/v1/x GET")
    assert ask(routes, "GET", "/api/v9/things?version=2").query == b"version=2"
    assert ask(routes, "GET", "/api/v1/x").route.name == "v"
