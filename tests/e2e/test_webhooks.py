"""A webhook as a client of the gateway meets it: told of an order, and refused where it would lead inside."""

import httpx
import pytest
from e2e_system import Person, System, eventually, place_order
from https_receiver import OwnAuthority
from standardwebhooks import Webhook


def test_a_webhook_is_told_of_an_order(
    client: httpx.Client, person: Person, product: dict[str, int], processes: System, receivers: OwnAuthority
):
    assert processes.state, "somebody else's system does not know our authority, and was skipped"
    with receivers.receiver() as receiver:
        made = client.post(
            "/api/v1/webhooks", json={"url": receiver.url, "events": ["orders.placed.v1"]}, headers=person.headers
        )
        assert made.status_code == 201, made.text
        webhook = made.json()
        assert made.headers["Location"] == f"/api/v1/webhooks/{webhook['id']}"
        order = place_order(client, person, product["id"])
        eventually(lambda: receiver.received, what="the delivery")
        # At least once: a receiver whose answer is late is told again.
        delivered = receiver.received[0]
        said = Webhook(webhook["secret"]).verify(delivered.body, dict(delivered.headers))
        assert (said["type"], said["data"]["id"], said["data"]["user_id"]) == (
            "orders.placed.v1",
            order["id"],
            person.id,
        )

        def listed() -> bool:
            page = client.get(f"/api/v1/webhooks/{webhook['id']}/deliveries", headers=person.headers).json()
            return [each["status"] for each in page["items"]] == ["succeeded"]

        eventually(listed, what="the delivery in the list")
    gone = client.delete(f"/api/v1/webhooks/{webhook['id']}", headers=person.headers)
    assert gone.status_code == 204


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://localhost/",
        "https://metadata.google.internal/",
    ],
)
def test_a_url_that_leads_inside_is_refused(client: httpx.Client, person: Person, url: str):
    answer = client.post("/api/v1/webhooks", json={"url": url}, headers=person.headers)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] in {"webhook_url_refused", "webhook_address_refused"}
