"""The client that blocks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import httpx

from gatehouse_client.blocking import Caller
from gatehouse_client.call import Call, headers_of, json_of, query_of
from gatehouse_client.credentials import Credential, Tokens
from gatehouse_client.manners import Manners
from gatehouse_client.resources.all import Resources
from gatehouse_client.state import State


class Gatehouse(Resources):
    """A client of the API at ``url``; threads may share it.

    ``credential`` is an ApiKey, Tokens of an earlier login, or ClientCredentials; `log_in` gets one by a password.
    ``on_tokens`` is told of every new pair of tokens, so that it can be kept: the one before is spent.
    ``http`` brings proxies, certificates or a transport of your own, and is closed by who made it.
    """

    def __init__(
        self,
        url: str,
        *,
        credential: Credential | None = None,
        manners: Manners | None = None,
        on_tokens: Callable[[Tokens], None] | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        state = State(credential)
        if on_tokens is not None:
            state.on_tokens = on_tokens
        self._owns_http = http is None
        self._caller = Caller(http or httpx.Client(), url.rstrip("/"), state, manners or Manners())
        super().__init__(self._caller)

    @property
    def credential(self) -> Credential | None:
        """What is in use now."""
        return self._caller.state.credential

    def log_in(self, email: str, password: str, *, code: str | None = None) -> Tokens:
        """Be this person from now on; ``code`` is that of a second factor. Raises Unauthorized."""
        token = self.auth.log_in(email=email, password=password, code=code)
        tokens = Tokens(token.access_token, token.refresh_token)
        self._caller.state.keep(tokens)
        return tokens

    def log_out(self) -> None:
        """End the session and be nobody from now on."""
        credential = self.credential
        if isinstance(credential, Tokens) and credential.refresh_token is not None:
            self.auth.log_out(refresh_token=credential.refresh_token)
        self._caller.state.credential = None

    def with_manners(self, manners: Manners) -> Self:
        """The same client, which is as patient as this: it shares connections and tokens."""
        other = copy.copy(self)
        other._owns_http = False  # noqa: SLF001  # it is one of us
        other._caller = replace(self._caller, manners=manners)  # noqa: SLF001  # the same
        Resources.__init__(other, other._caller)  # noqa: SLF001  # the same
        return other

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Any request, with the same manners: for what no method does. Raises Problem from 400 on."""
        content = json_of(**json) if json is not None else None
        standing = headers_of("application/json") if content is not None else {}
        call = Call(
            method, path, query=query_of(**(query or {})), headers={**standing, **(headers or {})}, content=content
        )
        return self._caller.raw(call)

    def close(self) -> None:
        """Close the connections."""
        if self._owns_http:
            self._caller.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
