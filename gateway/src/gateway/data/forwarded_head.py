"""The head of the request as the upstream gets it.

Dropped: what is hop-by-hop and what Connection names (RFC 9110 section 7.6.1), identity that only the gateway may
state (RFC 9700 section 4.13), and names with an underscore, which CGI-like servers read as a dash.
"""

from dataclasses import dataclass
from functools import lru_cache

from gateway.data.compression import plain_etags
from gateway.data.request_head import RequestHead
from gateway.routes.rewriting import HeaderRules

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"http2-settings",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_REPLACED = frozenset(
    {
        b"content-length",
        b"expect",
        b"fastly-client-ip",
        b"forwarded",
        b"host",
        # CGI-like servers read it as HTTP_PROXY, the proxy of their own requests (CVE-2016-5385).
        b"proxy",
        b"traceparent",
        b"via",
        b"x-api-key",
        b"x-request-id",
        b"x-request-timeout-ms",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-real-ip",
        # Marks a mirrored copy: a service may trust it.
        b"x-shadow-request",
        b"remote-user",
        b"true-client-ip",
        b"cf-connecting-ip",
    }
)
_DROPPED = HOP_BY_HOP | _REPLACED
_IDENTITY = (
    b"x-forwarded-",
    b"x-user",
    b"x-auth",
    b"x-remote-",
    b"x-principal",
    b"x-consumer",
    b"x-client-cert",
    b"x-internal-",
    b"x-original-",
    b"x-rewrite-",
    b"x-http-method",
    b"x-method",
    b"x-tenant",
    b"x-role",
    b"x-scope",
    b"x-jwt",
    b"x-email",
    b"x-admin",
    b"x-account",
    b"x-subject",
    b"ssl-client",
    b"x-ssl-client",
)
_SHORT = 64
# Of one head: it may come over several hops and go to several services.
_MAX_MADE = 8
_CONDITIONS = frozenset({b"if-match", b"if-none-match"})
VIA = b"1.1 gatehouse"


@dataclass(slots=True, eq=False)
class Hop:
    """What the gateway says about the hop before it; one object for all connections of which it says the same."""

    peer: str
    trusted: bool
    scheme: bytes


hop_of = lru_cache(maxsize=4096)(Hop)


def reserved(name: bytes) -> bool:
    """Whether a request header (name in lower case) is the gateway's own to state, and no route's to set."""
    return name in _DROPPED or name == b"authorization" or name.startswith(_IDENTITY)


def connection_names(value: bytes | None) -> frozenset[bytes]:
    """The names a Connection header lists, in lower case."""
    if value is None or value in (b"keep-alive", b"close"):
        return frozenset()
    return frozenset(name.strip().lower() for name in value.split(b","))


def _passes(name: bytes) -> bool:
    return not (name in _DROPPED or name.startswith(_IDENTITY) or b"_" in name)


# Clients have few names for headers, and each request brings ten of them.
_passes_short = lru_cache(maxsize=4096)(_passes)


def forwarded_section(
    head: RequestHead, hop: Hop, host: bytes, authorization: bytes | None, rules: HeaderRules | None
) -> bytes:
    """The header lines without what differs for each request; ``authorization`` replaces the client's."""
    made = head.derived.forwarded
    key = (hop, host, authorization, rules)
    lines = made.get(key)
    if lines is None:
        if len(made) >= _MAX_MADE:
            made.clear()
        lines = made[key] = _section(head, hop, host, authorization, rules)
    return lines


def _section(head: RequestHead, hop: Hop, host: bytes, authorization: bytes | None, rules: HeaderRules | None) -> bytes:
    fields = head.fields
    named = connection_names(fields.get(b"connection"))
    lines = [b"host: ", host, b"\r\n"]
    for name, value in head.headers:
        if not (_passes_short(name) if len(name) <= _SHORT else _passes(name)) or name in named:
            continue
        if rules is not None and name in rules.gone:
            continue
        if name == b"authorization" and authorization is not None:
            continue
        lines += (name, b": ", plain_etags(value) if name in _CONDITIONS else value, b"\r\n")
    # Also the token that took an API key's place does not pass where the route removes credentials.
    if authorization is not None and (rules is None or b"authorization" not in rules.gone):
        lines += (b"authorization: ", authorization, b"\r\n")
    if head.chunked:
        lines.append(b"transfer-encoding: chunked\r\n")
    elif head.content_length is not None:
        lines.append(b"content-length: %d\r\n" % head.content_length)
    if head.expects_continue:
        lines.append(b"expect: 100-continue\r\n")
    if rules is not None:
        lines.append(rules.lines)
    lines += _forwarding(fields, hop, head.host or host)
    return b"".join(lines)


def _forwarding(fields: dict[bytes, bytes], hop: Hop, host: bytes) -> tuple[bytes, ...]:
    peer, scheme = hop.peer.encode(), hop.scheme
    if hop.trusted:
        scheme, host = fields.get(b"x-forwarded-proto", b"http"), fields.get(b"x-forwarded-host", host)
    node = b'"[%b]"' % peer if b":" in peer else peer
    chain, forwarded = peer, b'for=%b;host="%b";proto=%b' % (node, host, scheme)
    if hop.trusted:
        if b"x-forwarded-for" in fields:
            chain = fields[b"x-forwarded-for"] + b", " + peer
        if b"forwarded" in fields:
            forwarded = fields[b"forwarded"] + b", " + forwarded
    via = fields[b"via"] + b", " + VIA if b"via" in fields else VIA
    return (
        b"x-forwarded-for: ",
        chain,
        b"\r\nx-forwarded-proto: ",
        scheme,
        b"\r\nx-forwarded-host: ",
        host,
        b"\r\nforwarded: ",
        forwarded,
        b"\r\nvia: ",
        via,
        b"\r\n",
    )
