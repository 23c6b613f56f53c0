"""What each type of report holds: its tables and their columns.

The queries that fill them are in ``store/contents.py`` under the same keys, columns in the same order.
"""

from dataclasses import dataclass

from reports.domain.document import Column, Kind, Section
from reports.domain.forecast import FORECAST, QUALITY
from reports.domain.report import ReportType


@dataclass(frozen=True, slots=True)
class Contents:
    """A type's title, its sections, which of them a CSV is made of, and what the plot shows.

    ``computed`` sections come from no query: the forecast.
    """

    title: str
    sections: tuple[Section, ...]
    detail: str
    plot_title: str
    computed: tuple[Section, ...] = ()


_ORDER = Column("order_id", "Order", Kind.INTEGER, 8)
_CUSTOMER = Column("customer", "Customer", width=16)
_STATUS = Column("status", "Status", width=10)
_SKU = Column("sku", "SKU", width=12)
_PRODUCT = Column("product", "Product", width=22)
_QUANTITY = Column("quantity", "Quantity", Kind.INTEGER, 8)
_CURRENCY = Column("currency", "Currency", width=8)
_DAY = Column("day", "Day", Kind.DATE, 11)
_ORDERS = Column("orders", "Orders", Kind.INTEGER, 8)
_REVENUE = Column("revenue", "Revenue", Kind.MONEY, 12)
_TOTAL = Column("total", "Total", Kind.MONEY, 12)
_PLACED_AT = Column("placed_at", "Placed at", Kind.TIME, 18)

_ACTIVITY_SUMS = (
    _CURRENCY,
    Column("orders_placed", "Orders placed", Kind.INTEGER),
    Column("amount_ordered", "Ordered", Kind.MONEY, 12),
    Column("orders_paid", "Payments", Kind.INTEGER),
    Column("amount_paid", "Paid", Kind.MONEY, 12),
    Column("orders_cancelled", "Cancelled", Kind.INTEGER),
    Column("amount_refunded", "Refunded", Kind.MONEY, 12),
)

_USER_ACTIVITY = Contents(
    title="User activity",
    plot_title="Ordered",
    detail="activity",
    sections=(
        Section(
            "totals",
            "Totals",
            _ACTIVITY_SUMS,
        ),
        Section(
            "days",
            "By day",
            (_DAY, *_ACTIVITY_SUMS),
        ),
        Section(
            "activity",
            "What happened",
            (
                Column("at", "At", Kind.TIME, 18),
                Column("user_id", "User", Kind.INTEGER, 8),
                _CUSTOMER,
                Column("action", "Action", width=12),
                _ORDER,
                Column("amount", "Amount", Kind.MONEY, 12),
                _CURRENCY,
            ),
        ),
    ),
)
_ORDER_SUMMARY = Contents(
    title="Order summary",
    plot_title="Ordered",
    detail="items",
    sections=(
        Section("totals", "Totals", (_CURRENCY, _ORDERS, _TOTAL)),
        Section("statuses", "By status", (_STATUS, _CURRENCY, _ORDERS, _TOTAL)),
        Section(
            "orders",
            "Orders",
            (
                Column("id", "Order", Kind.INTEGER, 8),
                _PLACED_AT,
                _CUSTOMER,
                _STATUS,
                Column("items", "Items", Kind.INTEGER, 7),
                _TOTAL,
                _CURRENCY,
            ),
        ),
        Section(
            "items",
            "Items",
            (
                _ORDER,
                _PLACED_AT,
                _CUSTOMER,
                _STATUS,
                _SKU,
                _PRODUCT,
                _QUANTITY,
                Column("unit_price", "Unit price", Kind.MONEY, 11),
                Column("line_total", "Line total", Kind.MONEY, 12),
                Column("order_total", "Order total", Kind.MONEY, 12),
                _CURRENCY,
            ),
        ),
    ),
)
_SALES = Contents(
    title="Sales",
    plot_title="Revenue",
    detail="sales",
    sections=(
        Section("totals", "Totals", (_CURRENCY, _ORDERS, _QUANTITY, _REVENUE)),
        Section("days", "By day", (_DAY, _CURRENCY, _ORDERS, _QUANTITY, _REVENUE)),
        Section(
            "products",
            "By product",
            (
                Column("product_id", "Product no.", Kind.INTEGER),
                _SKU,
                _PRODUCT,
                _CURRENCY,
                _QUANTITY,
                _REVENUE,
                Column("stock", "In stock", Kind.INTEGER),
            ),
        ),
        Section(
            "sales",
            "By day and product",
            (_DAY, Column("product_id", "Product no.", Kind.INTEGER), _SKU, _PRODUCT, _CURRENCY, _QUANTITY, _REVENUE),
        ),
    ),
    computed=(QUALITY, FORECAST),
)

CONTENTS = {
    ReportType.USER_ACTIVITY: _USER_ACTIVITY,
    ReportType.ORDER_SUMMARY: _ORDER_SUMMARY,
    ReportType.SALES: _SALES,
}
