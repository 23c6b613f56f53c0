"""A user who is deleted through the gateway is gone everywhere: tokens, tables, files, Redis, queues."""

import asyncio
import io
import os
import secrets
from pathlib import Path

import aio_pika
import asyncpg
import httpx
import psutil
from e2e_system import Person, System, eventually, finished_report, new_product, place_order, register
from PIL import Image
from redis import Redis

from local_stack.embedded import Servers, servers
from local_stack.services import SERVICES
from local_stack.state import State

NAME = "Wilhelmina Quastenflosser"


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (600, 400), (20, 20, 230)).save(made, "JPEG")
    return made.getvalue()


def avatar_of(system: System, client: httpx.Client, person: Person) -> str:
    """Upload an avatar and wait until it is shown, though the worker is killed over it; its path."""
    path = f"/api/v1/users/{person.id}/avatar"
    asked = client.put(path, content=picture(), headers={**person.headers, "Content-Type": "image/jpeg"})
    assert asked.status_code == 202, asked.text
    assert asked.headers["Location"] == f"{path}/job"
    system.kill("users-worker")

    def shown() -> bool:
        job = client.get(f"{path}/job", headers=person.headers).json()
        assert job["status"] != "failed", job
        return client.get(path, headers=person.headers, params={"size": 128}).status_code == 200

    eventually(shown, seconds=120, what="the avatar")
    return path


async def rows_naming(url: str, schema: str, needles: tuple[str, ...]) -> list[str]:
    """Tables of a schema with a row that has one of these texts in any column, as text or as bytes."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
        patterns = [f"%{form}%" for needle in needles for form in (needle, needle.encode().hex())]
        return [
            f"{schema}.{table}"
            for (table,) in tables
            if await connection.fetchval(
                f'SELECT EXISTS (SELECT FROM "{table}" AS r WHERE r::text ILIKE ANY ($1))',  # noqa: S608 - from the catalogue
                patterns,
            )
        ]
    finally:
        await connection.close()


def tables_naming(system: System, *needles: str) -> list[str]:
    async def look() -> list[str]:
        urls = {name: psutil.Process(system.pid(name)).environ()["DATABASE_URL"] for name in SERVICES}
        return [table for name, url in urls.items() for table in await rows_naming(url, name, needles)]

    return asyncio.run(look())


def administrators(system: System) -> Servers:
    """The servers as their administrators, who see all of them."""
    assert system.state is not None
    return servers(State(system.state), {})


def redis_naming(system: System, *needles: str) -> list[bytes]:
    redis = Redis.from_url(administrators(system).redis_url)
    words = [needle.encode() for needle in needles]
    found = [
        key
        for key in redis.scan_iter(count=1000)
        if any(word in part for word in words for part in (key, redis.dump(key) or b""))
    ]
    redis.close()
    return found


def files_naming(state: Path, *needles: str) -> list[Path]:
    words = [needle.encode() for needle in needles]
    folders = (each[0] for folder in ("reports", "avatars") for each in os.walk(state / folder))
    files = (path for folder in folders for path in _files(Path(folder)))
    return [path for path in files if any(word in _content(path) for word in words)]


def _files(folder: Path) -> list[Path]:
    """Of a folder that may be removed meanwhile, as whatever is in it."""
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except FileNotFoundError:
        return []


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def waiting_messages(system: System) -> int:
    """Messages in the queues that hear of users and orders, parked ones included."""

    async def count() -> int:
        async with await aio_pika.connect(administrators(system).amqp_url) as connection:
            channel = await connection.channel()
            names = ("orders.customers", "reports.read-model", "reports.webhooks")
            queues = [await channel.declare_queue(f"{n}{end}", passive=True) for n in names for end in ("", ".parked")]
            return sum(queue.declaration_result.message_count or 0 for queue in queues)

    return asyncio.run(count())


def test_a_deleted_user_is_gone_from_everywhere(processes: System, client: httpx.Client, boss: Person):
    state = processes.state
    assert state is not None
    product = new_product(client, boss, stock=10)
    person = register(client, NAME)
    needles = (NAME, person.email)
    avatar = avatar_of(processes, client, person)
    pending, paid = (place_order(client, person, product["id"], quantity)["id"] for quantity in (3, 2))
    assert client.post(f"/api/v1/orders/{paid}/payments", json={}, headers=person.headers).status_code == 201
    eventually(lambda: "reports.seen_users" in tables_naming(processes, NAME), what="the name in the read model")
    finished_report(client, person, "user_activity", "csv")
    eventually(
        lambda: finished_report(client, boss, "order_summary", "csv") and files_naming(state, NAME),
        seconds=240,
        what="the name in a file: else the look for it below proves nothing",
    )
    assert "users.users" in tables_naming(processes, person.email)

    headers = {**person.headers, "X-Request-ID": f"gone-{secrets.token_hex(4)}"}
    assert client.delete(f"/api/v1/users/{person.id}", headers=headers).status_code == 204

    def refused() -> bool:
        asked = (client.get(f"/api/v1/{what}", headers=person.headers).status_code for what in ("orders", "reports"))
        return all(status == 401 for status in asked)

    eventually(refused, what="orders and reports refuse the token that is still good for minutes")
    refresh = client.post("/api/v1/auth/refresh", json={"refresh_token": person.refresh_token})
    login = client.post("/api/v1/auth/login", json={"email": person.email, "password": person.password})
    assert (refresh.status_code, login.status_code) == (401, 401)

    def orders() -> list[tuple[int, str]]:
        found = [client.get(f"/api/v1/orders/{order}", headers=boss.headers).json() for order in (pending, paid)]
        return [(order["user_id"], order["status"]) for order in found]

    eventually(lambda: orders() == [(-1, "cancelled"), (-1, "paid")], what="the orders without the person")
    assert client.get(f"/api/v1/products/{product['id']}").json()["stock"] == 8
    assert client.get(avatar, headers=boss.headers).status_code == 404

    eventually(lambda: not (state / "avatars" / str(person.id)).exists(), what="the avatar's files removed")
    eventually(lambda: not files_naming(state, *needles), what="no file that names the user")
    eventually(lambda: not tables_naming(processes, *needles), what="no row that names the user")
    eventually(lambda: not redis_naming(processes, *needles), what="no key that names the user")
    eventually(lambda: waiting_messages(processes) == 0, what="no message that could name the user")
    record = client.get("/api/v1/audit-events", headers=boss.headers, params={"subject_id": person.id}).json()
    # The newest first; what the person did before stays on record too, by number alone.
    assert (record["items"][0]["action"], record["items"][0]["actor_id"]) == ("user.deleted", person.id)
    assert record["items"][0]["request_id"] == headers["X-Request-ID"]

    body = {"name": NAME, "email": person.email, "password": person.password}
    again = client.post("/api/v1/users", json=body)
    assert again.status_code == 201
    assert again.json()["id"] != person.id
