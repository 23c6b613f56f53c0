"""A client as it should be: asks again under the same Idempotency-Key while the outcome is open."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx

from chaos.ledger import Ledger, Operation, Outcome

if TYPE_CHECKING:
    from random import Random

_ATTEMPT_SECONDS = 10.0
_TOKEN_SECONDS = 600.0
_PASSWORD = "Correct1Horse"
_OPEN = {"idempotency_in_progress", "payment_in_progress", "overloaded"}


class Patience:
    """Until when clients ask again: for ever while the storm lasts, and for a while after it."""

    def __init__(self) -> None:
        self.deadline = float("inf")

    def end_in(self, seconds: float) -> None:
        """Give up after so many seconds from now."""
        self.deadline = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether to give up."""
        return time.monotonic() > self.deadline


class Client:
    """One signed-in person at the gateway."""

    def __init__(self, base_url: str, ledger: Ledger, random: Random, patience: Patience, email: str) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, timeout=_ATTEMPT_SECONDS, trust_env=False)
        self.ledger = ledger
        self._random = random
        self._patience = patience
        self.email = email
        self._password = _PASSWORD
        self._signed_in_at = float("-inf")
        self.user_id = 0

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def register(self) -> None:
        """Make the account, and sign in."""
        body = {"name": "Ada Lovelace", "email": self.email, "password": self._password}
        answer = await self._http.post("/api/v1/users", json=body)
        answer.raise_for_status()
        self.user_id = answer.json()["id"]
        await self._sign_in()

    async def sign_in_as(self, password: str) -> None:
        """Sign in to an account that is there."""
        self._password = password
        await self._sign_in()

    async def _sign_in(self) -> None:
        body = {"email": self.email, "password": self._password}
        answer = await self._http.post("/api/v1/auth/login", json=body)
        answer.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self._signed_in_at = time.monotonic()

    async def _stay_signed_in(self) -> None:
        if time.monotonic() - self._signed_in_at > _TOKEN_SECONDS and self.user_id:
            await self._sign_in()

    async def must(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer of a request that has to work: before and after the storm. Raises HTTPError."""
        await self._stay_signed_in()
        answer = await self._http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()

    async def delete(self, path: str) -> None:
        """Take something away, before or after the storm. Raises HTTPError."""
        await self._stay_signed_in()
        answer = await self._http.delete(path)
        answer.raise_for_status()

    async def content(self, path: str) -> httpx.Response:
        """A file as it is served."""
        return await self._http.get(path)

    async def once(self, request: str, method: str, path: str, **options: Any) -> httpx.Response | None:
        """One try; None, or an answer from 500, leaves open what happened."""
        try:
            await self._stay_signed_in()
        except httpx.HTTPError:
            return None
        self.ledger.requests += 1
        try:
            async with asyncio.timeout(_ATTEMPT_SECONDS + 5):
                answer = await self._http.request(method, path, **options)
        except (httpx.TransportError, TimeoutError) as error:
            self.ledger.failed(request, type(error).__name__)
            return None
        if answer.status_code >= 500 or answer.status_code == 429:
            self.ledger.failed(request, f"{answer.status_code} {_code(answer)}")
        elif answer.is_success:
            self.ledger.succeeded(request)
        return answer

    async def send(
        self,
        operation: Operation,
        method: str,
        path: str,
        body: Any,
        *,
        patient: bool = True,
        media_type: str = "text/csv",
    ) -> httpx.Response | None:
        """The answer for good, None when there is none: the one try of who is not patient, or the end of the run."""
        pause = 0.1
        headers = {"Idempotency-Key": operation.key}
        sent: dict[str, Any] = {"json": body}
        if isinstance(body, bytes):
            headers["Content-Type"] = media_type
            sent = {"content": body}
        while True:
            operation.attempts += 1
            answer = await self.once(operation.kind.value, method, path, headers=headers, **sent)
            if answer is not None and not _is_open(answer):
                return answer
            if not patient:
                return None
            if self._patience.is_over:
                operation.outcome = Outcome.UNANSWERED
                return None
            await asyncio.sleep(pause * self._random.uniform(0.5, 1.0))
            pause = min(pause * 2, 1.0)


def _is_open(answer: httpx.Response) -> bool:
    return answer.status_code >= 500 or answer.status_code == 429 or _code(answer) in _OPEN


def _code(answer: httpx.Response) -> str:
    try:
        found = answer.json()
    except ValueError:
        return "no JSON"
    return str(found.get("code", "")) if isinstance(found, dict) else ""
