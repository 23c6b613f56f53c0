"""The gateway that tutorials write: FastAPI, a catch-all route, httpx, PyJWT, a fixed window in Redis.

Most of them make a client a request; with SHARED_CLIENT=1 it keeps one, as the better ones do.
"""

import logging
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import jwt
import redis.asyncio as redis
from fastapi import Depends, FastAPI, HTTPException, Request, Response

UPSTREAM = f"http://127.0.0.1:{os.environ['UPSTREAM']}"
KEY = Path(os.environ["PEM"]).read_text()
QUOTA = int(os.environ["QUOTA"])
WINDOW = 3600
SHARED = bool(os.environ.get("SHARED_CLIENT"))

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
logging.getLogger("httpx").setLevel(logging.WARNING)
log = logging.getLogger("gateway")
counters = redis.Redis(port=int(os.environ["REDIS_PORT"]), decode_responses=True)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient() as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.middleware("http")
async def log_requests(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    request.state.request_id = str(uuid.uuid4())
    began = time.perf_counter()
    response = await call_next(request)
    response.headers["X-Request-ID"] = request.state.request_id
    log.info(
        "%s %s %s %.2fms", request.method, request.url.path, response.status_code, (time.perf_counter() - began) * 1e3
    )
    return response


async def current_user(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise HTTPException(401, "Not authenticated")
    try:
        claims = jwt.decode(
            token, KEY, algorithms=["RS256"], audience=os.environ["AUDIENCE"], issuer=os.environ["ISSUER"]
        )
    except jwt.PyJWTError as error:
        raise HTTPException(401, "Invalid token") from error
    return str(claims["sub"])


async def limit(user: str = Depends(current_user)) -> None:
    key = f"limit:{user}:{int(time.time() // WINDOW)}"
    count = await counters.incr(key)
    if count == 1:
        await counters.expire(key, WINDOW)
    if count > QUOTA:
        raise HTTPException(429, "Too many requests")


@app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], dependencies=[Depends(limit)])
async def forward(path: str, request: Request) -> Response:
    headers = {name: value for name, value in request.headers.items() if name != "host"}
    headers["X-Request-ID"] = request.state.request_id
    if SHARED:
        answer = await ask(request.app.state.client, path, request, headers)
    else:
        async with httpx.AsyncClient() as client:
            answer = await ask(client, path, request, headers)
    return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))


async def ask(client: httpx.AsyncClient, path: str, request: Request, headers: dict[str, str]) -> httpx.Response:
    return await client.request(
        request.method,
        f"{UPSTREAM}/{path}",
        params=dict(request.query_params),
        headers=headers,
        content=await request.body(),
    )
