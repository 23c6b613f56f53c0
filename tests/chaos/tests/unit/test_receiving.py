"""The receiver must see what is wrong with a delivery, and turn some of them away once."""

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from chaos.receiving import Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps({"type": "orders.paid.v1", "data": {}}).encode()


def headers(message_id: str, body: bytes = BODY) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(message_id, now, body.decode()),
    }


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(secrets={"/hooks/7": SECRET})


def take(receiver: Receiver, message_id: str, body: bytes = BODY, path: str = "/hooks/7") -> int:
    return receiver.take(path, headers(message_id), body)


def test_some_are_turned_away_once_and_every_one_is_taken_at_last(receiver: Receiver):
    ids = [f"msg_{number}" for number in range(100)]
    first = [take(receiver, message_id) for message_id in ids]
    assert {204, 503} == set(first)
    assert {take(receiver, message_id) for message_id in ids} == {204}
    assert {delivery.message_id for delivery in receiver.deliveries if delivery.taken} == set(ids)
    assert not any(delivery.fault for delivery in receiver.deliveries)


def test_another_body_than_was_signed_is_seen(receiver: Receiver):
    receiver.take("/hooks/7", headers("msg_1"), BODY.replace(b"paid", b"free"))
    assert receiver.deliveries[0].fault.startswith("its signature")


def test_a_delivery_to_nobody_s_webhook_is_seen(receiver: Receiver):
    take(receiver, "msg_1", path="/hooks/8")
    assert receiver.deliveries[0].fault == "nobody's webhook"
