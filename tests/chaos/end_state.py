"""The end state as plain rows: what the checker holds the ledger against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class OrderRow:
    """An order, or what reports have seen of it; ``lines`` are product ids and quantities, sorted."""

    id: int
    user_id: int
    status: str
    total: str
    version: int
    lines: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class PaymentRow:
    """An attempt to pay."""

    id: int
    order_id: int
    status: str
    amount: str


@dataclass(frozen=True)
class ChargeRow:
    """What the payment provider has in its own books."""

    order_id: int
    amount: str
    refunded: bool


@dataclass(frozen=True)
class ProductRow:
    """A product, or what reports have seen of it (without the SKU)."""

    id: int
    stock: int
    version: int
    sku: str = ""


@dataclass(frozen=True)
class UserRow:
    """An account, or what reports have seen of it (without the address)."""

    id: int
    version: int
    email: str = ""


@dataclass(frozen=True)
class ReportRow:
    """A report; ``since`` is the beginning of its period, ``fault`` what is wrong with its file."""

    id: int
    user_id: int
    since: str
    status: str
    version: int
    fault: str = ""


@dataclass(frozen=True)
class HookRow:
    """A webhook: what it hears and of whom (None: of everybody), its log by message, what its receiver took."""

    user_id: int | None
    events: tuple[str, ...]
    log: dict[str, str]
    taken: frozenset[str]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class AvatarRow:
    """Which picture a user shows, by size; None where there is none."""

    user_id: int
    shown: dict[int, int | None]


@dataclass(frozen=True)
class ClockReportRow:
    """A report that a clock asked for, and the time it is of."""

    user_id: int
    schedule_id: int
    time: str


@dataclass(frozen=True)
class WireEvent:
    """An event as a consumer received it."""

    id: str
    type: str
    subject: str
    data: dict[str, Any]


@dataclass
class EndState:
    """Everything that is left, and the events in the order in which a consumer received them."""

    orders: list[OrderRow] = field(default_factory=list[OrderRow])
    seen_orders: list[OrderRow] = field(default_factory=list[OrderRow])
    payments: list[PaymentRow] = field(default_factory=list[PaymentRow])
    charges: list[ChargeRow] = field(default_factory=list[ChargeRow])
    products: list[ProductRow] = field(default_factory=list[ProductRow])
    seen_products: list[ProductRow] = field(default_factory=list[ProductRow])
    users: list[UserRow] = field(default_factory=list[UserRow])
    seen_users: list[UserRow] = field(default_factory=list[UserRow])
    reports: list[ReportRow] = field(default_factory=list[ReportRow])
    hooks: list[HookRow] = field(default_factory=list[HookRow])
    avatars: list[AvatarRow] = field(default_factory=list[AvatarRow])
    clock_reports: list[ClockReportRow] = field(default_factory=list[ClockReportRow])
    clocks_left: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Clocks that are still set, with their users."""
    events: list[WireEvent] = field(default_factory=list[WireEvent])
    undone: dict[str, int] = field(default_factory=dict[str, int])
    """Rows of tables that are empty when all is done: outboxes, what is to be announced, payments that began."""
    unfinished_jobs: list[str] = field(default_factory=list[str])
    failed_jobs: list[str] = field(default_factory=list[str])
    waiting_messages: dict[str, int] = field(default_factory=dict[str, int])
