"""What a webhook's URL may be: one reading, and no way inside in any spelling."""

# ruff: noqa: RUF001 - letters that look like others are what is refused here

import ipaddress

import pytest

from reports.domain.webhook_address import Reach, is_public
from reports.domain.webhook_url import AddressRefused, UrlRefused, read_target

INSIDE = [
    "https://127.0.0.1/",
    "https://127.0.0.1:443/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0X7F.0.0.1/",
    "https://0177.0.0.1/",
    "https://0177.1/",
    "https://127.0.0.1./",
    "https://127.0.0.01/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.43518/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://192.0.0.192/",
    "https://168.63.129.16/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://intranet/",
    "https://rabbitmq/",
    "https://printer.local/",
    "https://metadata.google.internal/computeMetadata/v1/",
]
UNREADABLE = [
    "",
    "http://example.com/",
    "HTTP://example.com/",
    "ftp://example.com/",
    "//example.com/",
    "example.com",
    "https:example.com",
    "https:/example.com/",
    "https://",
    "https:///path",
    "https://:443/",
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com#@127.0.0.1/",
    "https://127.0.0.1%2f@example.com/",
    "https://127%2e0.0.1/",
    "https://[fe80::1%25eth0]/",
    "https://[::1/",
    "https://[127.0.0.1]/",
    "https://[::1]x/",
    "https://example.com:0/",
    "https://example.com:/",
    "https://example.com:65536/",
    "https://example.com:443:443/",
    "https://example.com:+443/",
    "https://example.com:４４３/",
    "https://１２７.０.０.１/",
    "https://①②⑦.0.0.1/",
    "https://127。0。0。1/",
    "https://ⓛocalhost/",
    "https://bücher.example/",
    "https://exa mple.com/",
    "https://example.com/\n",
    "\thttps://example.com/",
    "https://exam\x00ple.com/",
    "https://example..com/",
    "https://-example.com/",
    "https://example.com../",
    "https://example.com/%zz",
    "https://example.com/#part",
    f"https://{'a' * 64}.example/",
    f"https://example.com/{'a' * 2000}",
]


def check(url: str) -> None:
    target = read_target(url)
    assert target.address is not None, "a name is for the name server to say"
    if not Reach().covers(target.address):
        raise AddressRefused


@pytest.mark.parametrize("url", INSIDE)
def test_no_spelling_leads_inside(url: str):
    with pytest.raises(AddressRefused) as refused:
        check(url)
    assert refused.value.status == 400


@pytest.mark.parametrize("url", UNREADABLE)
def test_what_has_two_readings_or_none_is_refused(url: str):
    with pytest.raises(UrlRefused) as refused:
        read_target(url)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("url", "host", "port", "authority", "path"),
    [
        ("https://example.com", "example.com", 443, "example.com", "/"),
        ("HTTPS://Example.COM./Hook?a=b%20c", "example.com", 443, "example.com", "/Hook?a=b%20c"),
        ("https://example.com?x=1", "example.com", 443, "example.com", "/?x=1"),
        ("https://example.com:8443/a@b", "example.com", 8443, "example.com:8443", "/a@b"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "xn--bcher-kva.example", "/"),
        ("https://my_bucket.example.com/", "my_bucket.example.com", 443, "my_bucket.example.com", "/"),
        ("https://1.2.3.example.com/", "1.2.3.example.com", 443, "1.2.3.example.com", "/"),
        ("https://93.184.215.14/", "93.184.215.14", 443, "93.184.215.14", "/"),
        ("https://[2606:2800:21F:0::1]:443/", "2606:2800:21f::1", 443, "[2606:2800:21f::1]", "/"),
    ],
)
def test_where_a_url_leads(url: str, host: str, port: int, authority: str, path: str):
    target = read_target(url)
    assert (target.host, target.port, target.authority, target.path) == (host, port, authority, path)


@pytest.mark.parametrize("text", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001::64"])
def test_public_addresses_are_public(text: str):
    assert is_public(ipaddress.ip_address(text))


def test_reach_is_public_addresses_on_its_ports_and_what_is_allowed():
    public, own = ipaddress.ip_address("1.1.1.1"), ipaddress.ip_address("127.0.0.2")
    reach = Reach((443, 8443), (ipaddress.ip_network("127.0.0.2/32"),))
    assert reach.covers(public)
    assert [reach.opens(public, port) for port in (443, 8443, 22)] == [True, True, False]
    assert reach.covers(own)
    assert reach.opens(own, 12345)
    assert not reach.covers(ipaddress.ip_address("127.0.0.1"))
    # The same address as IPv6 carries it is not the one that was allowed.
    assert not reach.covers(ipaddress.ip_address("::ffff:127.0.0.2"))
