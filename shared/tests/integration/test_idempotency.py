import asyncio
import uuid

import httpx

from shared.testing.tokens import Signer


def keyed(signer: Signer, user: int, key: str) -> dict[str, str]:
    return {**signer.headers(user), "Idempotency-Key": key}


async def test_the_same_key_and_body_gets_the_first_answer_again(sample: httpx.AsyncClient, signer: Signer):
    headers = keyed(signer, 1, uuid.uuid4().hex)
    first = await sample.post("/notes", json={"text": "a", "more": 1}, headers=headers)
    again = await sample.post(
        "/notes", content=b'{"more":1,  "text":"a"}', headers={**headers, "Content-Type": "application/json"}
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]


async def test_the_same_key_with_another_body_is_422(sample: httpx.AsyncClient, signer: Signer):
    headers = keyed(signer, 1, uuid.uuid4().hex)
    await sample.post("/notes", json={"text": "a"}, headers=headers)
    refused = await sample.post("/notes", json={"text": "b"}, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["code"] == "idempotency_key_reused"


async def test_a_key_belongs_to_its_caller(sample: httpx.AsyncClient, signer: Signer):
    key = uuid.uuid4().hex
    first = await sample.post("/notes", json={"text": "a"}, headers=keyed(signer, 1, key))
    other = await sample.post("/notes", json={"text": "a"}, headers=keyed(signer, 2, key))
    assert other.status_code == 201
    assert other.json() != first.json()


async def test_a_key_that_is_not_one_is_400(sample: httpx.AsyncClient, signer: Signer):
    for key in ("", "a b", "x" * 256):
        refused = await sample.post("/notes", json={"text": "a"}, headers=keyed(signer, 1, key))
        assert refused.status_code == 400, key
        assert refused.json()["code"] == "invalid_idempotency_key"


async def test_fifty_at_once_with_one_key_have_one_effect(sample: httpx.AsyncClient, signer: Signer):
    headers = keyed(signer, 1, uuid.uuid4().hex)
    text = f"once {headers['Idempotency-Key']}"
    answers = await asyncio.gather(*(sample.post("/notes", json={"text": text}, headers=headers) for _ in range(50)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_in_progress"}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    total = (await sample.get("/notes?page_size=1")).json()["total"]
    last = (await sample.get(f"/notes?page_size=1&page={total}")).json()["items"]
    assert last == [text]
