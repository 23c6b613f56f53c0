"""TRAPS.md, forwarding 8: only what a trusted proxy wrote is believed."""

import pytest

from users.client_address import client_address
from users.settings import parse_networks

TRUSTED = parse_networks("127.0.0.0/8,::1/128,10.0.0.0/8")


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "found"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9, 10.0.0.3", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("127.0.0.1", "203.0.113.9, nonsense", "127.0.0.1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_client(peer: str, forwarded_for: str, found: str):
    assert client_address(peer, forwarded_for, TRUSTED) == found
