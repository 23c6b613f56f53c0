"""What the API answers, as frozen objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr

if TYPE_CHECKING:
    from gatehouse_client.answer import Answer

Item = TypeVar("Item")


class Model(BaseModel):
    """The body of an answer. A field that this version of the client does not know is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    _answer: Answer | None = PrivateAttr(default=None)

    @property
    def answer(self) -> Answer:
        """The answer that this is the body of; ValueError for what came as a part of another, such as of a page."""
        if self._answer is None:
            raise ValueError(f"this {type(self).__name__} came as a part of another answer; get it by itself")
        return self._answer

    def came_with(self, answer: Answer) -> None:
        """Keep the answer beside the body."""
        self._answer = answer


class Page(Model, Generic[Item]):
    """One page of a list, and how many there are in all; pages count from 1."""

    items: list[Item]
    total: int
    page: int
    page_size: int
