"""What the users of Redis and RabbitMQ may do, as the servers are told; integration tests ask the servers."""

import base64
import hashlib
import json
import re
import runpy
from pathlib import Path
from typing import Any

from local_stack.servers import rabbitmq_users, redis_users
from local_stack.services import SERVICES
from local_stack.state import REPOSITORY

PASSWORDS = {service: f"secret of {service}" for service in SERVICES}
SAID = {service: rabbitmq_users.said_by(REPOSITORY, service) for service in SERVICES}


def loaded() -> dict[str, Any]:
    return json.loads(rabbitmq_users.definitions("secret", PASSWORDS, SAID))


def test_a_service_says_its_name_and_what_its_contracts_begin_with():
    assert (SAID["users"], SAID["orders"]) == (["users"], ["orders", "products"])
    assert all(service in SAID[service] for service in SERVICES)


def test_only_what_a_service_says_is_let_in():
    let_in = {(each["source"], each["routing_key"]) for each in loaded()["bindings"] if each["destination"] == "events"}
    assert {("events.from.users", "users.#"), ("events.from.orders", "products.#")} <= let_in
    assert let_in == {(f"events.from.{service}", f"{word}.#") for service in SERVICES for word in SAID[service]}


def test_no_pattern_of_one_service_takes_in_a_name_of_another_or_of_all():
    everybodys = {"events", "events.log", "amq.default", "", "amq.topic"}
    for found in loaded()["permissions"]:
        user = found["user"]
        if user == rabbitmq_users.ADMINISTRATOR:
            continue
        others = [service for service in SERVICES if service != user]
        theirs = {f"{other}.{name}" for other in others for name in ("own", "retries", "jobs.wake")}
        theirs |= {f"events.from.{other}" for other in others} | {f"x{user}.own", f"{user}x.own", f"{user}xown"}
        for right in ("configure", "write", "read"):
            reached = {name for name in everybodys | theirs if re.search(found[right], name)}
            assert reached == ({"events", "events.log"} if right == "read" else set()), right
        assert all(re.search(found[right], f"{user}.own") for right in ("configure", "write", "read"))


def test_the_broker_is_given_hashes_as_it_makes_them_and_the_same_each_time():
    assert loaded() == loaded()
    for user in loaded()["users"]:
        password = PASSWORDS.get(user["name"], "secret").encode()
        kept = base64.b64decode(user["password_hash"])
        assert kept[4:] == hashlib.sha256(kept[:4] + password).digest()
        assert user["tags"] == ("administrator" if user["name"] == rabbitmq_users.ADMINISTRATOR else "")


def test_redis_is_given_hashes_and_no_two_users_write_a_key_of_the_same_name():
    lines = redis_users.user_lines({"gateway": "secret of gateway", **PASSWORDS}).splitlines()
    written: list[str] = []
    for line in lines:
        assert "secret of" not in line
        assert not re.search(r"\+@all|allkeys|allchannels|nopass| ~\*| &\*", line)
        written += [word for word in line.split() if word.startswith("~")]
    assert len(lines) == len(SERVICES) + 1
    assert sorted(written) == sorted(["~gatehouse:*", "~tokens:revoked*", *(f"~{service}:*" for service in SERVICES)])


def test_compose_is_given_the_same_and_keeps_it(tmp_path: Path):
    generate = runpy.run_path(str(REPOSITORY / "deploy" / "compose" / "generate_secrets.py"))["generate"]
    generate(tmp_path)
    first = {path.name: path.read_text() for path in tmp_path.iterdir()}
    generate(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == first
    of_services = {service: first[f"{service}_rabbitmq_password"] for service in sorted(SERVICES)}
    made = rabbitmq_users.definitions(first["rabbitmq_password"], of_services, SAID)
    assert first["rabbitmq_definitions.json"] == made
    assert first["orders_amqp_url"] == f"amqp://orders:{of_services['orders']}@rabbitmq:5672/"
    for process in ("gateway", *SERVICES):
        assert first[f"{process}_redis_url"] == f"redis://{process}:{first[f'{process}_redis_password']}@redis:6379/0"
