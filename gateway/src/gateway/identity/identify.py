"""The identity step: finds the one credential of a request and says whose it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.data.client_address import limit_key
from gateway.identity.authorize import invalid_token
from gateway.identity.tokens import InvalidTokenError, TokenVerifier, UnknownKeyError
from gateway.problem import Refusal

if TYPE_CHECKING:
    from gateway.data.exchange import Exchange
    from gateway.identity.api_keys import ApiKeys
    from gateway.identity.keys import KeySet


class Identity:
    """Calls ``exchange.on_identity`` with a principal, None for nobody, or a Refusal; at once where it can."""

    def __init__(self, verifier: TokenVerifier, keys: KeySet, api_keys: ApiKeys | None) -> None:
        self._verifier = verifier
        self._keys = keys
        self._api_keys = api_keys

    def identify(self, exchange: Exchange, mode: str) -> None:
        """``mode`` is the route's: on an "ignored" one the service alone reads what the client sent."""
        bearer = exchange.head.derived.bearer
        if bearer is not None and mode != "ignored":
            known = self._verifier.cached(bearer)
            if known is not None:
                exchange.on_identity(known)
                return
        fields = exchange.head.fields
        authorization, api_key = fields.get(b"authorization"), fields.get(b"x-api-key")
        if mode == "ignored" or (authorization is None and api_key is None):
            exchange.on_identity(None)
        elif authorization is not None and api_key is not None:
            exchange.on_identity(Refusal(400, "ambiguous_credentials", "Send a token or an API key, not both."))
        elif api_key is not None:
            self._by_api_key(exchange, api_key)
        else:
            scheme, _, token = (authorization or b"").partition(b" ")
            if scheme.lower() == b"bearer":
                # On a public route too: who sends a token means to be somebody, and being taken for nobody in
                # silence would hide an expired session and move the client to the anonymous limits.
                exchange.head.derived.bearer = token = token.strip()
                self._by_token(exchange, token, forward_as=None, may_fetch=True)
            else:
                exchange.on_identity(invalid_token("The authorization scheme is not taken."))

    def _by_token(self, exchange: Exchange, token: bytes, *, forward_as: bytes | None, may_fetch: bool) -> None:
        try:
            principal = self._verifier.cached(token) or self._verifier.verify(token)
        except InvalidTokenError as error:
            exchange.on_identity(invalid_token(str(error)))
        except UnknownKeyError:
            asked = may_fetch and self._keys.refetch(
                lambda: self._by_token(exchange, token, forward_as=forward_as, may_fetch=False)
            )
            if not asked:
                exchange.on_identity(self._unknown_key())
        except Exception as error:  # noqa: BLE001 - also called back from a fetch, where nobody else would answer
            exchange.on_fault(error)
        else:
            exchange.on_identity(replace(principal, forward_as=forward_as) if forward_as else principal)

    def _unknown_key(self) -> Refusal:
        if self._keys.known:
            return invalid_token("The token is signed by an unknown key.")
        # Without any key nothing can be said about any token: that is our trouble, not the client's.
        return Refusal(
            503, "identity_unavailable", "Tokens cannot be checked just now.", headers=((b"retry-after", b"1"),)
        )

    def _by_api_key(self, exchange: Exchange, api_key: bytes) -> None:
        if self._api_keys is None:
            exchange.on_identity(invalid_token("API keys are not taken."))
            return

        def then(outcome: bytes | Refusal | None) -> None:
            if outcome is None:
                exchange.on_identity(invalid_token("The API key is not valid."))
            elif isinstance(outcome, Refusal):
                exchange.on_identity(outcome)
            else:
                self._by_token(exchange, outcome, forward_as=b"Bearer " + outcome, may_fetch=True)

        self._api_keys.exchange(api_key, limit_key(exchange.address), then)
