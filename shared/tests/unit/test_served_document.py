"""The document as a service answers it, which is written by another library than the committed one."""

from typing import Annotated

import httpx
from fastapi import FastAPI, Security

from shared.identity.dependencies import signed_in
from shared.identity.principal import Principal
from shared.web.openapi import describe


async def test_a_document_with_ways_to_sign_in_is_served() -> None:
    app = FastAPI()

    @app.get("/things")
    async def things(_caller: Annotated[Principal, Security(signed_in, scopes=["things:read"])]) -> None: ...

    assert things
    describe(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service.test") as client:
        answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["components"]["securitySchemes"]["X-API-Key"] == {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
    }
