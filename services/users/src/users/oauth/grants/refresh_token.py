"""``grant_type=refresh_token``: the next tokens of a client's session (RFC 6749 section 6, RFC 9700 section 4.14)."""

from shared.problems import Unauthorized
from users import signing_in
from users.oauth.errors import OAuthError, invalid_request
from users.oauth.grants.grant import GrantRequest, TokenAnswer
from users.oauth.scope import granted_scopes


async def refresh_token(request: GrantRequest) -> TokenAnswer:
    """Spend a refresh token. ``scope`` may ask for less in this access token, never for more. Raises OAuthError."""
    if "refresh_token" not in request.form:
        raise invalid_request("refresh_token is missing.")

    def wanted(allowed: tuple[str, ...]) -> tuple[str, ...]:
        # The client may have less by now than when the person allowed it.
        still = [scope for scope in allowed if scope in request.client.scopes]
        return granted_scopes(request.form.get("scope"), still)

    try:
        pair = await signing_in.refresh(
            request.database,
            request.own,
            request.form["refresh_token"],
            client=request.origin,
            client_id=request.client.client_id,
            narrow=wanted,
        )
    except Unauthorized as error:
        raise OAuthError("invalid_grant", "The refresh token is not valid.") from error
    return TokenAnswer(pair.access, pair.scopes, pair.refresh_token)
