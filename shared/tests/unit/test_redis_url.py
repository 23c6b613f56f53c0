"""How a Redis is named: one server, or a cluster by some of its nodes; a wrong name stops the start."""

import pytest
from pydantic import ValidationError

from shared.production import backend
from shared.redis_client import clustered, create_redis
from shared.redis_url import cluster_url, is_cluster
from shared.settings import RedisSettings

LONG = "a-long-password-of-nobody"


def settings(monkeypatch: pytest.MonkeyPatch, url: str) -> RedisSettings:
    monkeypatch.setenv("REDIS_URL", url)
    return RedisSettings()  # pyright: ignore[reportCallIssue] - from the environment


def test_a_cluster_is_named_by_some_of_its_nodes():
    found = cluster_url("rediss+cluster://me:p%40ss@one:7000, [2001:db8::1]:7001,two/0")
    assert found.seeds == (("one", 7000), ("2001:db8::1", 7001), ("two", 6379))
    assert (found.username, found.password, found.encrypted) == ("me", "p@ss", True)
    assert "p@ss" not in repr(found)
    assert not is_cluster("redis://one:7000")


@pytest.mark.parametrize("url", ["redis://a:1/0", "rediss://a", "unix:///run/redis.sock"])
def test_one_server_is_one(monkeypatch: pytest.MonkeyPatch, url: str):
    assert clustered(create_redis(settings(monkeypatch, url))) is None


def test_a_cluster_is_asked_as_one(monkeypatch: pytest.MonkeyPatch):
    assert clustered(create_redis(settings(monkeypatch, f"redis+cluster://:{LONG}@a:1,b:2"))) is not None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://a", "redis://"),
        ("redis-cluster://a", "redis://"),
        ("redis+cluster://", "host:port"),
        (f"redis+cluster://:{LONG}@a:1,", "host:port"),
        ("redis+cluster://a:many", "host:port"),
        ("redis+cluster://a:70000", "host:port"),
        ("redis+cluster://a:1/3", "database 0 only"),
    ],
)
def test_a_wrong_name_is_refused(monkeypatch: pytest.MonkeyPatch, url: str, said: str):
    with pytest.raises(ValidationError, match=said) as caught:
        settings(monkeypatch, url)
    assert LONG not in str([error["msg"] for error in caught.value.errors()])


def test_production_looks_at_every_node():
    def unsafe(url: str) -> list[str]:
        return [finding.why for finding in backend("REDIS_URL", url, plaintext=False)]

    assert unsafe(f"rediss+cluster://:{LONG}@a:1,b:2") == []
    assert unsafe(f"redis+cluster://:{LONG}@127.0.0.1:1,localhost:2") == []
    (found,) = unsafe(f"redis+cluster://:{LONG}@127.0.0.1:1,elsewhere:2")
    assert "not encrypted" in found
    (found,) = unsafe("rediss+cluster://a:1,b:2")
    assert "no password" in found
