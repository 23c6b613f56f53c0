from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reports.domain.plotting import MOST_BARS, MOST_SERIES, plot_over_time

DAY = date(2026, 1, 1)


def test_days_are_bars_while_they_are_few():
    plot = plot_over_time("t", [(DAY, "EUR", Decimal("1.50")), (DAY, "USD", Decimal(2)), (DAY, "EUR", Decimal(1))])
    assert plot.labels == ("2026-01-01",)
    assert plot.series == {"EUR": (2.5,), "USD": (2.0,)}


def test_many_days_become_months_and_many_months_years():
    months = plot_over_time("t", [(DAY + timedelta(days=n), "EUR", Decimal(1)) for n in range(365)])
    assert (months.title, months.labels[0]) == ("t by month", "2026-01")
    assert months.series["EUR"][1] == 28.0
    years = plot_over_time("t", [(DAY + timedelta(days=30 * n), "EUR", Decimal(1)) for n in range(365)])
    assert (years.title, years.labels[0]) == ("t by year", "2026")


@given(
    st.lists(st.tuples(st.dates(), st.sampled_from(["EUR", "USD", "CHF", "GBP", "SEK"]), st.decimals(0, 999, places=2)))
)
def test_nothing_is_lost_but_what_is_too_much_to_see(amounts: list[tuple[date, str, Decimal]]):
    plot = plot_over_time("t", amounts)
    assert len(plot.series) <= MOST_SERIES
    assert len(plot.labels) <= MOST_BARS or len(plot.labels[0]) == 4
    for currency, values in plot.series.items():
        assert len(values) == len(plot.labels)
        exact = sum((amount for _, named, amount in amounts if named == currency), Decimal(0))
        assert abs(sum(values) - float(exact)) < 0.01
