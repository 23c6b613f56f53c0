"""The document that a service serves is plain JSON, as the committed one is."""

from typing import Annotated

import httpx
from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer

from shared.web.openapi import describe


async def test_it_is_served_with_both_ways_to_be_known():
    app = FastAPI()
    describe(app)

    @app.get("/things")
    async def things(_: Annotated[object, Security(HTTPBearer(scheme_name="bearer"), scopes=["things:read"])]) -> None:
        pass

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    document = answer.json()
    assert document["components"]["securitySchemes"]["X-API-Key"]["type"] == "apiKey"
    assert [*document["paths"]["/things"]["get"]["security"][1]] == ["X-API-Key"]
