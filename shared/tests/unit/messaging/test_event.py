"""CloudEvents 1.0 in JSON."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messaging import Event, Subscription, UndecodableEvent

DATA = st.dictionaries(st.text(), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), max_size=5)
# CloudEvents forbids control characters in its strings, and Postgres keeps no NUL.
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=50)


@pytest.mark.parametrize("name", ["id", "type", "source", "subject"])
@pytest.mark.parametrize("value", ["", "a\x00b", "x" * 501, 7])
def test_an_attribute_that_no_key_can_hold_is_undecodable(name: str, value: object) -> None:
    document = json.loads(Event.new(type="t", source="/s", subject="a/1", data={}).encode())
    with pytest.raises(UndecodableEvent, match=name):
        Event.decode(json.dumps({**document, name: value}).encode())


@given(type_=TEXT, source=TEXT, subject=TEXT, data=DATA, traceparent=st.none() | TEXT)
def test_what_is_encoded_is_decoded(
    type_: str, source: str, subject: str, data: dict[str, object], traceparent: str | None
) -> None:
    event = Event.new(type=type_, source=source, subject=subject, data=data, traceparent=traceparent)
    assert Event.decode(event.encode()) == event


def test_money_is_a_string_and_time_is_in_utc() -> None:
    event = Event(
        "1", "t", "/s", "a/1", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), {"price": Decimal("9.90"), "k": uuid4()}
    )
    document = json.loads(event.encode())
    assert document["time"] == "2026-01-02T03:04:05Z"
    assert document["data"]["price"] == "9.90"
    assert document["specversion"] == "1.0"
    assert document["datacontenttype"] == "application/json"
    assert "traceparent" not in document


def test_unknown_attributes_are_ignored() -> None:
    event = Event.new(type="t", source="/s", subject="a/1", data={})
    document = {**json.loads(event.encode()), "comexampleextension": "x"}
    assert Event.decode(json.dumps(document).encode()) == event


@pytest.mark.parametrize("missing", ["specversion", "id", "type", "source", "subject", "time", "data"])
def test_an_event_without_a_required_attribute_is_undecodable(missing: str) -> None:
    document = json.loads(Event.new(type="t", source="/s", subject="a/1", data={}).encode())
    del document[missing]
    with pytest.raises(UndecodableEvent, match=missing):
        Event.decode(json.dumps(document).encode())


def test_a_thing_without_a_json_form_is_refused() -> None:
    with pytest.raises(TypeError):
        Event.new(type="t", source="/s", subject="a/1", data={"x": object()}).encode()


async def _nothing(*_: object) -> None:
    pass


@pytest.mark.parametrize("types", [(), ("orders.*.v1",), ("#",)])
def test_a_subscription_names_its_types(types: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="q"):
        Subscription("q", types, _nothing)
