"""What a person owns in the system: made as a client makes it, found by the name of the path's parameter."""

import io
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx
from e2e_system import Person, eventually, new_product, place_order, register
from https_receiver import HttpsReceiver
from PIL import Image

_PARAMETER = re.compile(r"\{(\w+)\}")
CSV = b"sku,name,price,stock\nM-1,Matrix kettle,1.00,5\n"


def picture() -> bytes:
    """A small PNG."""
    file = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(file, "PNG")
    return file.getvalue()


@dataclass
class Owner:
    """A person and the ids of what they own, made when a path first asks for it."""

    client: httpx.Client
    boss: Person
    receiver: HttpsReceiver
    person: Person
    ids: dict[str, object] = field(default_factory=dict)

    def path(self, template: str) -> str:
        """The template filled in with the owner's objects."""
        if "avatar" in template and "avatar" not in self.ids:
            self.ids["avatar"] = self._avatar()
        for name in _PARAMETER.findall(template):
            if name not in self.ids:
                self.ids[name] = getattr(self, f"_{name}")()
        return _PARAMETER.sub(lambda found: str(self.ids[found[1]]), template)

    def _post(self, path: str, body: object, who: Person | None = None) -> dict[str, Any]:
        answer = self.client.post(f"/api/v1{path}", json=body, headers=(who or self.person).headers)
        assert answer.is_success, answer.text
        return answer.json()

    def _get(self, path: str, who: Person | None = None) -> dict[str, Any]:
        answer = self.client.get(f"/api/v1{path}", headers=(who or self.person).headers)
        assert answer.is_success, answer.text
        return answer.json()

    def _user_id(self) -> int:
        return self.person.id

    def _avatar(self) -> bool:
        path = f"/api/v1/users/{self.person.id}/avatar"
        headers = {**self.person.headers, "Content-Type": "image/png"}
        assert self.client.put(path, content=picture(), headers=headers).status_code == 202
        return eventually(
            lambda: self.client.get(path, headers=self.person.headers).status_code == 200, seconds=240, what="an avatar"
        )

    def _key_id(self) -> int:
        return self._post("/users/me/api-keys", {"name": "matrix", "scopes": ["orders:read"]})["id"]

    def _client_id(self) -> str:
        return self._post("/oauth/clients", a_program(), self.boss)["client_id"]

    def _secret_id(self) -> int:
        return self._get(f"/oauth/clients/{self.ids['client_id']}", self.boss)["secrets"][0]["id"]

    def _session_id(self) -> int:
        return self._get("/users/me/sessions")["items"][0]["id"]

    def _product_id(self) -> int:
        return new_product(self.client, self.boss)["id"]

    def _import_id(self) -> str:
        headers = {**self.boss.headers, "Content-Type": "text/csv"}
        answer = self.client.post("/api/v1/products/imports", content=CSV, headers=headers)
        assert answer.status_code == 202, answer.text
        path = f"/products/imports/{answer.json()['id']}"
        eventually(lambda: self._get(path, self.boss)["status"] == "succeeded", seconds=240, what="an import")
        return answer.json()["id"]

    def _order_id(self) -> int:
        return place_order(self.client, self.person, new_product(self.client, self.boss)["id"])["id"]

    def _payment_id(self) -> int:
        return self._post(f"/orders/{self.ids['order_id']}/payments", {})["id"]

    def _report_id(self) -> int:
        made = self._post("/reports", {"type": "order_summary", "format": "csv", "params": {}})["id"]
        eventually(lambda: self._get(f"/reports/{made}")["status"] == "succeeded", seconds=240, what="a report")
        return made

    def _schedule_id(self) -> int:
        return self._post("/report-schedules", a_schedule())["id"]

    def _webhook_id(self) -> int:
        return self._post("/webhooks", {"url": self.receiver.url, "events": ["orders.placed.v1"]})["id"]

    def _delivery_id(self) -> int:
        path = f"/webhooks/{self.ids['webhook_id']}"
        made = self._post(f"{path}/test", {})["id"]
        eventually(
            lambda: self._get(f"{path}/deliveries/{made}")["status"] == "succeeded", seconds=240, what="a delivery"
        )
        return made


def newcomer(client: httpx.Client, boss: Person, receiver: HttpsReceiver) -> Owner:
    """Somebody new who owns nothing yet."""
    return Owner(client, boss, receiver, register(client))


def a_schedule() -> dict[str, object]:
    """The body of a schedule that will not run today."""
    return {"cron": "0 5 1 1 *", "timezone": "UTC", "type": "order_summary", "format": "csv"}


def a_product() -> dict[str, object]:
    """The body of a product."""
    return {"sku": f"M-{secrets.token_hex(6).upper()}", "name": "Matrix kettle", "price": "1.00", "stock": 5}


def a_program() -> dict[str, object]:
    """The body of an OAuth client."""
    return {"name": "Matrix", "type": "confidential", "grants": ["client_credentials"], "scopes": ["orders:read"]}


def a_registration() -> dict[str, object]:
    """The body of a registration."""
    return {"name": "Ada Lovelace", "email": f"{secrets.token_hex(8)}@example.com", "password": "Correct1Horse"}
