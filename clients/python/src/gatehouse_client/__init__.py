"""A client of the Gatehouse API: `Gatehouse` blocks, `AsyncGatehouse` is for asyncio; both know the same manners."""

from gatehouse_client.answer import Answer, RateLimit
from gatehouse_client.async_client import AsyncGatehouse
from gatehouse_client.client import Gatehouse
from gatehouse_client.credentials import ApiKey, ClientCredentials, Credential, Tokens
from gatehouse_client.errors import (
    BadRequest,
    CannotRenew,
    Conflict,
    FieldError,
    Forbidden,
    GatehouseError,
    Gone,
    Invalid,
    NotFound,
    NotReached,
    PaymentRequired,
    PreconditionFailed,
    Problem,
    RateLimited,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)
from gatehouse_client.manners import Manners
from gatehouse_client.model import Model, Page
from gatehouse_client.server_events import Event

__all__ = [
    "Answer",
    "ApiKey",
    "AsyncGatehouse",
    "BadRequest",
    "CannotRenew",
    "ClientCredentials",
    "Conflict",
    "Credential",
    "Event",
    "FieldError",
    "Forbidden",
    "Gatehouse",
    "GatehouseError",
    "Gone",
    "Invalid",
    "Manners",
    "Model",
    "NotFound",
    "NotReached",
    "Page",
    "PaymentRequired",
    "PreconditionFailed",
    "Problem",
    "RateLimit",
    "RateLimited",
    "Tokens",
    "TooLarge",
    "Unauthorized",
    "Unavailable",
    "UnexpectedAnswer",
]
