"""Whether a schema may take the place of another: an old consumer reads what is new, a new one what is old.

Events are kept, in queues and in the log, and services are deployed one at a time, so both directions are
needed at any time. What may change in a version is little: properties may come that nobody has to send, and
texts for people. All else is a new type, ``orders.placed.v2``, said beside the old one until nobody hears that.
"""

from collections.abc import Iterator, Mapping
from typing import Any

ANNOTATIONS = frozenset({"$schema", "$id", "$comment", "title", "description", "examples", "default", "deprecated"})
OPEN = "x-open"
"""An ``enum`` that consumers know may grow."""

Schema = Mapping[str, Any]


def breaks(old: Schema, new: Schema, at: str = "data") -> Iterator[str]:
    """What of the change would break a consumer, each in a line for people; nothing when all may be."""
    yield from _break_properties(old, new, at)
    yield from _break_enum(old, new, at)
    if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
        yield from breaks(old["items"], new["items"], f"{at}[]")
    elif old.get("items") != new.get("items"):
        yield f"{at}: other items"
    told = ANNOTATIONS | {"properties", "required", "enum", "items"}
    for keyword in sorted((old.keys() | new.keys()) - told):
        if old.get(keyword) != new.get(keyword):
            yield f"{at}: {keyword} was {old.get(keyword)!r} and is {new.get(keyword)!r}"


def _break_properties(old: Schema, new: Schema, at: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before:
        if name in after:
            yield from breaks(before[name], after[name], f"{at}.{name}")
        else:
            yield f"{at}.{name} is gone: consumers read it"
    was, now = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(was - now):
        yield f"{at}.{name} is not required any more: consumers rely on it"
    for name in sorted(now - was):
        yield f"{at}.{name} is required now: older events have none"


def _break_enum(old: Schema, new: Schema, at: str) -> Iterator[str]:
    if "enum" not in old and "enum" not in new:
        return
    if "enum" not in old or "enum" not in new:
        yield f"{at}: an enum came or went"
        return
    if gone := [value for value in old["enum"] if value not in new["enum"]]:
        yield f"{at} is never {gone} any more: older events are"
    came = [value for value in new["enum"] if value not in old["enum"]]
    if came and not old.get(OPEN):
        yield f"{at} may be {came} now: consumers know of {old['enum']} only (say {OPEN} where it is to grow)"
