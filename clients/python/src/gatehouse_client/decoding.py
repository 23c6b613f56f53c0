"""Bodies of answers made into models."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from gatehouse_client.answer import Answer
from gatehouse_client.errors import UnexpectedAnswer
from gatehouse_client.model import Model

if TYPE_CHECKING:
    import httpx

Read = TypeVar("Read", bound=Model)


def decoded(response: httpx.Response, kind: type[Read]) -> Read:
    """The body as what it is; UnexpectedAnswer when it is not."""
    try:
        model = kind.model_validate_json(response.content)
    except ValidationError as error:
        where = f"{response.request.method} {response.request.url.path}"
        raise UnexpectedAnswer(
            f"{where} answered {response.status_code}, which is no {kind.__name__}: {error}"
        ) from error
    model.came_with(Answer(response.status_code, response.headers))
    return model
