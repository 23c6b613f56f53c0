"""Which slot a key lies in, how a cluster is named, and what its nodes say of where to ask."""

import hiredis
import pytest
from pydantic import SecretStr, ValidationError

from gateway.redis_cluster.address import ClusterAddress, is_cluster
from gateway.redis_cluster.redirection import Redirection, redirection
from gateway.redis_cluster.slots import Range, ranges, slot_of
from gateway.settings import Settings

HERE = ("10.0.0.1", 6379)


@pytest.mark.parametrize(
    ("key", "slot"),
    [
        # 12739 is the specification's own example; the tag is what the first braces hold, unless that is nothing.
        ("123456789", 12739),
        ("{123456789}:more", 12739),
        ("a{123456789}{other}", 12739),
        (b"123456789", 12739),
    ],
)
def test_the_slot_of_a_key(key: str, slot: int):
    assert slot_of(key) == slot


def test_empty_braces_are_no_tag():
    assert slot_of("{}a") != slot_of("{}b")


def test_a_cluster_is_named_by_some_of_its_nodes():
    address = ClusterAddress.parse("rediss+cluster://me:p%40ss@one:7000,[2001:db8::1]:7001, two/0")
    assert address.seeds == (("one", 7000), ("2001:db8::1", 7001), ("two", 6379))
    assert address.url_of(("2001:db8::1", 7001)) == "rediss://me:p%40ss@[2001:db8::1]:7001/0"
    assert "p@ss" not in repr(address)
    assert ClusterAddress.parse("redis+cluster://a").url_of(("a", 6379)) == "redis://a:6379/0"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis+cluster://", "host:port,host:port"),
        ("redis+cluster://:secret@a:1,", "host:port,host:port"),
        ("redis+cluster://a:b", "port is no number"),
        ("redis+cluster://a:70000", "port that is none"),
        ("redis+cluster://a:1/3", "database 0 only"),
        ("redis-cluster://a:1", r"redis\+cluster://"),
    ],
)
def test_a_wrong_cluster_stops_the_start(url: str, said: str):
    with pytest.raises(ValidationError, match=said) as caught:
        Settings(redis_url=SecretStr(url))
    assert "secret" not in str(caught.value)


def test_a_cluster_is_no_single_server():
    assert is_cluster("redis+cluster://a")
    assert is_cluster("rediss+cluster://a")
    assert not is_cluster("redis://a")
    assert not is_cluster(None)
    url = "redis+cluster://a:1,b:2"
    assert Settings(redis_url=SecretStr(url)).redis == url


@pytest.mark.parametrize(
    ("said", "to"),
    [
        ("MOVED 3999 10.0.0.2:6381", Redirection(3999, ("10.0.0.2", 6381), asking=False)),
        ("ASK 3999 2001:db8::1:6381", Redirection(3999, ("2001:db8::1", 6381), asking=True)),
        # A node that does not know its own name is asked where it was asked before.
        ("MOVED 3999 :6381", Redirection(3999, ("10.0.0.1", 6381), asking=False)),
        ("MOVED 3999", None),
        ("MOVED many 10.0.0.2:6381", None),
        ("ERR MOVED 1 a:1", None),
    ],
)
def test_redirections(said: str, to: Redirection | None):
    assert redirection(hiredis.ReplyError(said), HERE) == to
    assert redirection(said, HERE) is None


def test_the_map_of_slots():
    reply = [
        [0, 8191, [b"a", 1, b"id", []], [b"b", 2, b"id", []]],
        [8192, 16383, [b"", 3, b"id"]],
        [16384, 16384, [None, 4, b"id"]],
    ]
    assert ranges(reply, HERE) == [
        Range(0, 8191, ("a", 1), (("b", 2),)),
        Range(8192, 16383, ("10.0.0.1", 3), ()),
        Range(16384, 16384, ("10.0.0.1", 4), ()),
    ]
