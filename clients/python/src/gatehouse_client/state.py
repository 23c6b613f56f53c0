"""What a client remembers from one call to the next."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from gatehouse_client.call import Call
from gatehouse_client.credentials import ClientCredentials, Credential, Tokens

TOKEN_PATH = "/api/v1/oauth/token"  # noqa: S105  # an address
REFRESH_PATH = "/api/v1/auth/refresh"


def _nobody(_tokens: Tokens) -> None:
    """Nobody wants to hear of new tokens."""


@dataclass
class State:
    """The credential in use, and which operations it has warned of.

    ``on_tokens`` is told of each new pair, so that it can be kept for the next run of the program.
    """

    credential: Credential | None = None
    on_tokens: Callable[[Tokens], None] = _nobody
    clock: Callable[[], float] = time.monotonic
    warned: set[str] = field(default_factory=set[str])

    def keep(self, credential: Tokens | ClientCredentials) -> None:
        """Use this one from now on."""
        self.credential = credential
        if isinstance(credential, Tokens):
            self.on_tokens(credential)

    def heed(self, call: Call, response: httpx.Response) -> None:
        """Warn, once for each operation, of one that is on its way out (RFC 9745, RFC 8594)."""
        since = response.headers.get("deprecation")
        operation = call.operation or f"{call.method} {call.path}"
        if since is None or operation in self.warned:
            return
        self.warned.add(operation)
        sunset = response.headers.get("sunset")
        successor = response.links.get("successor-version", {}).get("url")
        ends = f"; it ends {sunset}" if sunset else ""
        instead = f"; {successor} comes after it" if successor else ""
        warnings.warn(f"{operation} is deprecated{ends}{instead}", DeprecationWarning, stacklevel=2)
