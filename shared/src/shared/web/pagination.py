"""Lists are pages: ``{items, total, page, page_size}``."""

from collections.abc import Iterable
from typing import Annotated, Generic, Self, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from shared.web.fields import ONE_SPELLING

Item = TypeVar("Item")


class PageQuery(BaseModel):
    """Which page is asked for; pages count from 1."""

    page: int = 1
    page_size: int = 20

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (self.page - 1) * self.page_size


def _page_query(
    page: Annotated[int, Query(ge=1, le=1_000_000), ONE_SPELLING] = 1,
    page_size: Annotated[int, Query(ge=1, le=100), ONE_SPELLING] = 20,
) -> PageQuery:
    return PageQuery(page=page, page_size=page_size)


class Page(BaseModel, Generic[Item]):
    """One page of a list and how many there are in all."""

    items: list[Item]
    total: int
    page: int
    page_size: int

    @classmethod
    def of(cls, items: Iterable[Item], total: int, paging: PageQuery) -> Self:
        """The page that was asked for."""
        return cls(items=list(items), total=total, page=paging.page, page_size=paging.page_size)


Paging = Annotated[PageQuery, Depends(_page_query)]
"""The page that the request asks for."""
