"""Who the client is (TRAPS, forwarding 8 and rate limiting 7)."""

import pytest

from gateway.data.client_address import TrustedProxies, is_private, limit_key


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("9.9.9.9", b"1.1.1.1", "9.9.9.9"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", b"1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", b"6.6.6.6, 1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", b"6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("10.0.0.1", b"10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", b"1.1.1.1, junk", "10.0.0.1"),
        ("10.0.0.1", b"1.1.1.1:5000", "1.1.1.1"),
        ("10.0.0.1", b"[2001:db8::1]:5000", "2001:db8::1"),
        ("::ffff:10.0.0.1", b"1.1.1.1", "1.1.1.1"),
    ],
)
def test_the_rightmost_address_that_is_no_proxy_of_ours(peer: str, header: bytes | None, client: str):
    assert TrustedProxies(("10.0.0.0/8",)).client(peer, header) == client


def test_without_a_list_nobody_is_trusted():
    assert TrustedProxies(()).client("10.0.0.1", b"1.1.1.1") == "10.0.0.1"


def test_limits_count_ipv6_by_64():
    assert limit_key("2001:db8:1:2:3:4:5:6") == limit_key("2001:db8:1:2::") == "2001:db8:1:2::/64"
    assert limit_key("::ffff:192.0.2.1") == limit_key("192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("172.31.0.1", True),
        ("172.32.0.1", False),
        ("192.168.0.1", True),
        ("::1", True),
        ("fd00::1", True),
        ("203.0.113.9", False),
        ("169.254.169.254", False),
        ("2001:db8::1", False),
        ("", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to refuse
    ],
)
def test_private_networks(address: str, private: bool):  # noqa: FBT001 - a table's column
    assert is_private(address) is private
