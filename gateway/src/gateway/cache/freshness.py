"""Which answers may be kept and for how long (RFC 9111 sections 3 and 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.cache.directives import Directives, directives, first, http_date, joined

if TYPE_CHECKING:
    from gateway.routes.model.caching import CacheModel

Headers = list[tuple[bytes, bytes]]

# May be kept without a word on freshness (RFC 9110 section 15.1), less 206, which is a part.
_BY_HEURISTIC = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
# What one client can provoke by something that is not in the key must not become everybody's answer.
_KEPT_CLIENT_ERRORS = frozenset({404, 405, 410, 414, 451})
# What the gateway itself states of each client or request, whatever the client sent: nothing to compare.
_NEVER_ALIKE = frozenset(
    {b"*", b"forwarded", b"traceparent", b"x-forwarded-for", b"x-request-id", b"x-request-timeout-ms"}
)
_HEURISTIC_MOST = 86400.0


@dataclass(frozen=True, slots=True)
class Freshness:
    """Unix times: when the answer's age was 0, and until when it is fresh, usable stale, usable on errors."""

    born: float
    fresh_until: float
    stale_until: float
    error_until: float
    no_cache: bool
    shared: bool


def not_kept(status: int, headers: Headers, *, credentials: bool, lifetime: float | None) -> str | None:
    """Why the answer may not be kept, None when it may. ``lifetime`` is what ``lifetime`` found."""
    said = directives(joined(headers, b"cache-control"))
    names = varied(headers)
    origin = first(headers, b"access-control-allow-origin")
    checked = said.no_cache or lifetime is not None
    reasons = {
        "no-store": said.no_store and not (said.must_understand and status in _BY_HEURISTIC),
        "private": said.private,
        "status": status < 200  # noqa: PLR2004
        or status in (206, 304)
        # Any header may break a service, and a blanket max-age then makes of that what everybody gets.
        or (status >= 500 and status not in _BY_HEURISTIC)  # noqa: PLR2004
        or (400 <= status < 500 and status not in _KEPT_CLIENT_ERRORS),  # noqa: PLR2004
        "credentials": credentials and not said.says_shared,
        "set-cookie": any(name == b"set-cookie" for name, _ in headers),
        "vary": not _NEVER_ALIKE.isdisjoint(names),
        # One origin's permission must not be handed to the next.
        "origin": origin not in (None, b"*") and b"origin" not in names,
        # Neither fresh for a moment nor to be asked about again.
        "no-freshness": not checked or not (((lifetime or 0) > 0 and not said.no_cache) or _has_validator(headers)),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _has_validator(headers: Headers) -> bool:
    return any(name in (b"etag", b"last-modified") for name, _ in headers)


def varied(headers: Headers) -> tuple[bytes, ...]:
    """The names of ``Vary`` in lower case, sorted."""
    return tuple(sorted({name.strip().lower() for name in joined(headers, b"vary").split(b",") if name.strip()}))


def lifetime(status: int, headers: Headers, now: float, *, heuristic: bool) -> float | None:
    """Seconds of freshness from the answer's date on; None when nothing says so (RFC 9111 section 4.2.1)."""
    said = directives(joined(headers, b"cache-control"))
    if said.s_maxage is not None:
        return float(said.s_maxage)
    if said.max_age is not None:
        return float(said.max_age)
    expires = first(headers, b"expires")
    date = http_date(first(headers, b"date") or b"") or now
    if expires is not None:
        ends = http_date(expires)
        return 0.0 if ends is None else max(0.0, ends - date)
    modified = http_date(first(headers, b"last-modified") or b"")
    if heuristic and modified is not None and (status in _BY_HEURISTIC or said.public):
        return min(_HEURISTIC_MOST, max(0.0, (date - modified) / 10))
    return None


def freshness(headers: Headers, seconds: float | None, asked: float, now: float, policy: CacheModel) -> Freshness:
    """From the times the request was sent and its answer came (RFC 9111 section 4.2.3)."""
    said = directives(joined(headers, b"cache-control"))
    date = http_date(first(headers, b"date") or b"") or now
    age = first(headers, b"age") or b""
    stated = float(min(int(age[:12]), 2**31)) if age.isdigit() else 0.0
    born = now - max(0.0, now - date, stated + now - asked)
    fresh_until = born + (seconds or 0.0)
    return Freshness(
        born=born,
        fresh_until=fresh_until,
        stale_until=fresh_until + _grace(said, said.stale_while_revalidate, policy.stale_while_revalidate),
        error_until=fresh_until + _grace(said, said.stale_if_error, policy.stale_if_error),
        no_cache=said.no_cache,
        shared=said.says_shared,
    )


def may_be_stale(said: Directives) -> bool:
    """Whether anybody but the answer itself may allow its stale use (RFC 9111 section 4.2.4)."""
    return not (said.must_revalidate or said.proxy_revalidate or said.no_cache or said.s_maxage is not None)


def _grace(said: Directives, own: int | None, route: float | None) -> float:
    if said.must_revalidate or said.proxy_revalidate or said.no_cache:
        return 0.0
    if own is not None:
        return float(own)
    # s-maxage means proxy-revalidate too, so only the answer's own word goes past it.
    return route if route is not None and may_be_stale(said) else 0.0
