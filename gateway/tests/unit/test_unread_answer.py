"""A finished answer leaves at the least rate, or its connection is cut."""

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.data.unread_answer import UnreadAnswer


class Kernel:
    """What a transport says of its buffer."""

    def __init__(self, unread: int) -> None:
        self.unread = unread
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        return self.unread

    def abort(self) -> None:
        self.aborted = True


def watched(transport: Kernel) -> tuple[UnreadAnswer, Any, Any]:
    watching: set[object] = set()
    gateway = SimpleNamespace(
        settings=SimpleNamespace(client_seconds=10.0, read_rate=100.0),
        loop=SimpleNamespace(time=lambda: 0.0),
        deadlines=SimpleNamespace(add=watching.add, remove=watching.discard),
    )
    flow = SimpleNamespace(resumed=0)
    watch = UnreadAnswer(gateway, transport, flow)  # pyright: ignore[reportArgumentType]
    assert watch in watching
    assert watch.due == 10.0
    return watch, flow, watching


@pytest.mark.parametrize(("taken", "cut"), [(0, True), (999, True), (1000, False), (50_000, False)])
def test_a_reader_below_the_least_rate_is_cut(taken: int, cut: bool):  # noqa: FBT001
    transport = Kernel(100_000)
    watch, _, watching = watched(transport)
    transport.unread -= taken
    watch.on_deadline()
    assert transport.aborted is cut
    assert (watch in watching) is not cut


def test_it_is_the_last_while_that_counts():
    transport = Kernel(100_000)
    watch, _, _ = watched(transport)
    transport.unread = 1000
    watch.on_deadline()
    assert not transport.aborted
    transport.unread = 999
    watch.on_deadline()
    assert transport.aborted


def test_further_answers_are_no_standstill():
    transport = Kernel(70_000)
    watch, flow, _ = watched(transport)
    flow.resumed, transport.unread = 1, 500_000
    watch.on_deadline()
    assert not transport.aborted
    watch.on_deadline()
    assert transport.aborted


def test_a_taken_answer_is_watched_no_longer():
    transport = Kernel(70_000)
    watch, _, watching = watched(transport)
    transport.unread = 0
    watch.on_deadline()
    assert not watching
    assert not transport.aborted
