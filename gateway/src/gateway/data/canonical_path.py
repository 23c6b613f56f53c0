"""Decides once what a path is, so that what is matched is what is forwarded.

Anything another parser might read differently (``%2F``, dot segments, ``//``, ``;``, a backslash, an escaped
letter, a trailing slash) is refused rather than repaired: a repaired path has two readings (GHSA-gm3x-23wp-hc2c,
CVE-2021-29492).
"""

import re
from functools import lru_cache

from gateway.problem import Refusal

# Segments of pchar (RFC 3986 section 3.3) less ";"; an escape only for what must be escaped.
_PLAIN = re.compile(rb"(?:/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)+\Z|/\Z")
_SEGMENTS = re.compile(rb"(?:/(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})+)+\Z")
_SHORT = 256
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DANGEROUS = frozenset(b"/\\%;?#") | frozenset(range(0x20)) | {0x7F}


@lru_cache(maxsize=4096)
def _read_short(target: bytes) -> tuple[bytes, bytes]:
    path, query, _ = split_target(target)
    check_canonical(path)
    return path, query


def read_target(target: bytes) -> tuple[bytes, bytes]:
    """Canonical path and query of a target in origin form; the short ones are remembered. Raises Refusal 400."""
    return _read_short(target) if len(target) <= _SHORT else _read_short.__wrapped__(target)


def split_target(target: bytes) -> tuple[bytes, bytes, bytes | None]:
    """Path, query and (for the absolute form, RFC 9112 section 3.2.2) the authority. Raises Refusal 400."""
    authority = None
    if not target.startswith(b"/"):
        scheme, separator, rest = target.partition(b"://")
        if not separator or scheme.lower() not in (b"http", b"https"):
            raise Refusal(400, "bad_path", "The request target is not a path.", close=True)
        authority, slash, rest = rest.partition(b"/")
        if not slash and b"?" in authority:
            raise Refusal(400, "bad_path", "The request target is not a path.", close=True)
        target = b"/" + rest
    if b"#" in target:
        raise Refusal(400, "bad_path", "The request target has a fragment.")
    path, _, query = target.partition(b"?")
    return path, query, authority


def check_canonical(path: bytes, *, slash: bool = False) -> None:
    """Raises Refusal 400 for a path with more than one reading; with ``slash`` it may end in one."""
    if _PLAIN.match(path):
        return
    if slash:
        path = path.removesuffix(b"/")
    if _SEGMENTS.match(path) is None or not _escapes_are_needed(path):
        raise Refusal(400, "bad_path", "The path is not in its canonical form.")
    if any(segment in (b".", b"..") for segment in path.split(b"/")):
        raise Refusal(400, "bad_path", "The path is not in its canonical form.")


def _escapes_are_needed(path: bytes) -> bool:
    for found in _ESCAPE.finditer(path):
        octet = int(found[1], 16)
        if octet in _UNRESERVED or octet in _DANGEROUS:
            return False
    return True
