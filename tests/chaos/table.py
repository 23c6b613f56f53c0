"""The table that a run ends with, and what it tells when something was wrong."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING

from chaos.checker import Violation, Wrong
from chaos.ledger import Ledger, Outcome
from chaos.recovery import recoveries

if TYPE_CHECKING:
    from chaos.injecting import Done

_FACTS = 25
_SLOW = 3.0
_SHOWN = ("browse", "place", "pay", "report", "register")


def table(done: list[Done], ledger: Ledger, violations: list[Violation]) -> str:
    """What was broken, what was asked, what came of it."""
    kinds = Counter(each.fault.kind.value for each in done)
    outcomes = Counter(operation.outcome for operation in ledger.operations)
    wrongs = Counter(violation.wrong for violation in violations)
    otherwise = sum(wrongs[wrong] for wrong in Wrong if wrong not in {Wrong.LOST, Wrong.DOUBLED, Wrong.REORDERED})
    rows = [
        ("faults", f"{len(done)}", "  ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))),
        ("requests", f"{ledger.requests}", f"{len(ledger.operations)} wishes, {ledger.replays} sent twice on purpose"),
        ("acknowledged", f"{outcomes[Outcome.ACKNOWLEDGED]}", "operations that a client was told are done"),
        ("failed but unacknowledged", f"{len(ledger.failures)}", _most(ledger)),
        ("left open", f"{outcomes[Outcome.UNKNOWN]}", "operations given up by their client: there once, or not at all"),
        ("lost", f"{wrongs[Wrong.LOST]}", ""),
        ("doubled", f"{wrongs[Wrong.DOUBLED]}", ""),
        ("out of order", f"{wrongs[Wrong.REORDERED]}", ""),
        ("otherwise wrong", f"{otherwise}", ""),
    ]  # fmt: skip
    lines = [f"  {name:<26}{figure:>8}  {remark}".rstrip() for name, figure, remark in rows]
    lines.append("  seconds from a fault's end to the next success   p50     max")
    for request, (middle, most) in sorted(recoveries(sorted(d.ended for d in done), ledger.successes).items()):
        if request in _SHOWN:
            lines.append(f"    {request:<42}{middle:>9.2f}{most:>8.2f}")
    return "\n".join(lines)


def _most(ledger: Ledger) -> str:
    seen = Counter(what for _, _, what in ledger.failures)
    return ", ".join(f"{count} {name}" for name, count in seen.most_common(6))


def timeline(done: list[Done], ledger: Ledger, begun: float) -> str:
    """Every fault with when it began and ended, what failed until the next one, and what was slow to come back."""
    done = sorted(done, key=attrgetter("began"))
    lines: list[str] = []
    for each, until in zip(done, [*(after.began for after in done[1:]), float("inf")], strict=True):
        failed = Counter(f"{request} {what}" for at, request, what in ledger.failures if each.began <= at < until)
        slow = {
            request: waits[1]
            for request, waits in recoveries([each.ended], ledger.successes).items()
            if request in _SHOWN and waits[1] > _SLOW
        }
        lines.append(
            f"  {each.began - begun:7.1f} to {each.ended - begun:7.1f} s  {each.fault.describe()} {each.remark}"
        )
        if failed:
            lines.append(f"{'':23}failed: {', '.join(f'{count} {name}' for name, count in failed.most_common(4))}")
        if slow:
            lines.append(f"{'':23}slow: {', '.join(f'{name} after {wait:.1f} s' for name, wait in slow.items())}")
    return "\n".join(line.rstrip() for line in lines)


def facts(violations: list[Violation]) -> str:
    """The first contradicting facts."""
    lines = [f"  {violation.wrong}: {violation.fact}" for violation in violations[:_FACTS]]
    if len(violations) > _FACTS:
        lines.append(f"  and {len(violations) - _FACTS} more")
    return "\n".join(lines)
