"""What the system did beyond its own tables, held against the promise: webhooks, pictures, reports by the clock."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chaos.ledger import Kind, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.end_state import AvatarRow, EndState, HookRow
    from chaos.ledger import Ledger, Operation


def check(ledger: Ledger, state: EndState) -> Iterator[tuple[str, str]]:
    """Pairs of what is wrong and the fact."""
    for hook in state.hooks:
        yield from _hook(hook, state)
    for avatar in state.avatars:
        yield from _avatar(avatar, [one for one in ledger.of(Kind.AVATAR) if one.user_id == avatar.user_id])
    yield from _clocks(ledger, state)


def _hook(hook: HookRow, state: EndState) -> Iterator[tuple[str, str]]:
    """Each event delivered at least once, and told in the log; signed right; and nothing that is not its to hear."""
    whose = f"the webhook of {'everybody' if hook.user_id is None else f'user {hook.user_id}'}"
    wanted = {
        f"msg_{event.id}": event
        for event in state.events
        if event.type in hook.events and hook.user_id in {None, event.data.get("user_id")}
    }
    for message_id, event in wanted.items():
        if message_id not in hook.taken:
            yield "lost", f"{whose} was not told of {event.type} of {event.subject} ({message_id})"
        if message_id not in hook.log:
            yield "lost", f"{whose} has no {message_id} in its log, {event.type} of {event.subject}"
    for message_id, status in hook.log.items():
        if status != "succeeded":
            yield "unfinished", f"{whose}: the delivery of {message_id} is {status}"
    for message_id in sorted((hook.taken | hook.log.keys()) - wanted.keys()):
        yield "contradiction", f"{whose} was told of {message_id}, which was not its to hear"
    for fault in hook.faults:
        yield "contradiction", f"{whose}: {fault}"


def _avatar(avatar: AvatarRow, asked: list[Operation]) -> Iterator[tuple[str, str]]:
    """The picture that was acknowledged last is shown in all sizes, or one with a try that may have come after it."""
    shown = set(avatar.shown.values())
    acknowledged = [operation for operation in asked if operation.outcome is Outcome.ACKNOWLEDGED]
    if not acknowledged:
        return
    may_be = {operation.mark[0] for operation in asked if operation.attempts > 1 or operation not in acknowledged}
    may_be.add(acknowledged[-1].mark[0])
    if None in shown:
        yield "lost", f"user {avatar.user_id} has not the thumbnails of all sizes: {avatar.shown}"
    elif len(shown) > 1:
        yield "mismatch", f"user {avatar.user_id} shows another picture in each size: {avatar.shown}"
    elif not shown <= may_be:
        yield "lost", f"user {avatar.user_id} shows {avatar.shown}: {acknowledged[-1].describe()}"


def _clocks(ledger: Ledger, state: EndState) -> Iterator[tuple[str, str]]:
    """A clock that was set has asked for reports, for each of its times once; and none is left that was not stopped."""
    for operation in ledger.of(Kind.SCHEDULE):
        mine = [row for row in state.clock_reports if row.user_id == operation.user_id]
        of_clocks = {row.schedule_id for row in mine}
        if len(of_clocks) > 1:
            yield "doubled", f"clocks {sorted(of_clocks)} run by one wish: {operation.describe()}"
        if operation.outcome is Outcome.ACKNOWLEDGED and operation.answer["id"] not in of_clocks:
            yield "lost", f"it asked for no report: {operation.describe()}"
        for time, times in Counter(row.time for row in mine).items():
            if times > 1:
                yield "doubled", f"{times} reports by the clock for {time}: {operation.describe()}"
    for schedule_id, user_id in state.clocks_left:
        yield "contradiction", f"the clock {schedule_id} of user {user_id} still runs, and nobody was told of it"
