"""The routes file is validated as a whole, with errors that name line and field."""

from pathlib import Path

import pytest

from gateway.cli import main
from gateway.routes.load import RoutesError, load_routes

GOOD = """\
[upstreams.a]
url = "${A_URL:-http://127.0.0.1:1}"

[limits.small]
anonymous = "5/1m"

[[routes]]
path = "/api/x"
methods = ["GET"]
upstream = "a"
versions = [1]
limits = ["small"]

[[routes]]
path = "/api/x/{id}"
methods = ["GET"]
upstream = "a"
versions = [1, 2]
limits = []
"""


def problems(tmp_path: Path, text: str, **environment: str) -> list[tuple[int | None, str, str]]:
    file = tmp_path / "routes.toml"
    file.write_text(text)
    with pytest.raises(RoutesError) as caught:
        load_routes(file, environment)
    assert all(str(file) in line for line in str(caught.value).splitlines())
    return caught.value.problems


def test_a_good_file_with_its_environment(tmp_path: Path):
    file = tmp_path / "routes.toml"
    file.write_text(GOOD)
    assert load_routes(file, {}).upstreams["a"].url == "http://127.0.0.1:1"
    model = load_routes(file, {"A_URL": "http://a:80"})
    assert model.upstreams["a"].url == "http://a:80"
    assert (model.limits["small"].anonymous.quota, model.limits["small"].anonymous.window) == (5, 60)


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "message"),
    [
        ('path = "/api/x"\n', 'path = "/api/x/"\n', 7, "routes[0]", "no trailing slash"),
        ('methods = ["GET"]\nupstream = "a"\nversions = [1]', 'methods = ["GOT"]', 9, "routes[0].methods[0]", "GET"),
        (
            'upstream = "a"\nversions = [1]\n',
            'upstream = "b"\nversions = [1]\n',
            10,
            "routes[0].upstream",
            "no upstream",
        ),
        ('limits = ["small"]', 'limits = ["big"]', 12, "routes[0].limits", "no limit 'big'"),
        ('limits = ["small"]', 'limit = ["small"]', 12, "routes[0].limit", "not permitted"),
        ("/api/x/{id}", "/api/x", 15, "routes[1].path", "already taken by routes[0]"),
        ('"5/1m"', '"5 a minute"', 5, "limits.small.anonymous", "a quota is"),
        ('"5/1m"', '"0/1m"', 5, "limits.small.anonymous.quota", "greater than 0"),
        ('"5/1m"', '"5/1m"\nburst = 3', 4, "limits.small", "burst is of token_bucket"),
        ('"5/1m"', '"5/1m"\nalgorithm = "best"', 6, "limits.small.algorithm", "sliding_window"),
        ('limits = ["small"]', 'limits = ["small"]\ncost = 6', 13, "routes[0].cost", "never has so much at once"),
        ("versions = [1]\n", "", 7, "routes[0].versions", "needs versions"),
        ("limits = []", 'limits = []\nmax_body = "1 MB"', 20, "routes[1].max_body", "a size is"),
        ("limits = []", 'limits = []\nscopes = ["a"]\nidentity = "optional"', 14, "routes[1]", "scopes need"),
        ("[upstreams.a]", "[upstreams.a", 1, "", "line 1"),
        ("${A_URL:-http://127.0.0.1:1}", "${A_URL}", 2, "", "the environment has no A_URL"),
        ("${A_URL:-http://127.0.0.1:1}", "ftp://a", 2, "upstreams.a.url", "url is http"),
    ],
)
def test_a_wrong_file_is_told_by_line_and_field(  # noqa: PLR0917 - a table's columns
    tmp_path: Path, old: str, new: str, line: int, field: str, message: str
):
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    assert any(l == line and f == field and message in m for l, f, m in found), found  # noqa: E741


def test_all_problems_are_told_at_once(tmp_path: Path):
    text = GOOD.replace('"5/1m"', '"x"').replace('path = "/api/x/{id}"', "path = 3")
    assert len(problems(tmp_path, text)) == 2


def test_a_variable_cannot_bring_syntax_into_the_file(tmp_path: Path):
    file = tmp_path / "routes.toml"
    file.write_text(GOOD)
    with pytest.raises(RoutesError) as caught:
        load_routes(file, {"A_URL": 'http://a"\n[upstreams.evil]\nurl = "http://b'})
    assert [field for _, field, _ in caught.value.problems] == ["upstreams.a.url"]


def test_the_command_looks_at_the_file_that_would_be_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "routes.toml"
    file.write_text(GOOD)
    monkeypatch.setenv("GATEWAY_ROUTES", str(file))
    assert main(["check"]) == 0
    assert capsys.readouterr().out.startswith(f"{file}: 2 routes")
    assert main(["explain", "get", "/api/x/4"]) == 0
    assert "http://127.0.0.1:1/api/v1/x/4" in capsys.readouterr().out


def test_the_command_checks_and_explains(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "routes.toml"
    file.write_text(GOOD)
    assert main(["check", str(file)]) == 0
    assert "2 routes" in capsys.readouterr().out
    assert main(["explain", "get", "/api/x/4?version=2", "--file", str(file)]) == 0
    assert "http://127.0.0.1:1/api/v2/x/4" in capsys.readouterr().out
    assert main(["explain", "DELETE", "/api/x", "--file", str(file)]) == 1
    assert "405 method_not_allowed" in capsys.readouterr().out
    assert main(["explain", "GET", "/api/v1//x", "--file", str(file)]) == 1
    assert "400 bad_path" in capsys.readouterr().out
    file.write_text("x = 1\n")
    assert main(["check", str(file)]) == 1
    assert f"{file}:1: x: Extra inputs" in capsys.readouterr().err
