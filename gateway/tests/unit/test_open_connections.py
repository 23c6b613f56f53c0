"""Who is let in, who makes room, and in which order idle connections end."""

from prometheus_client import CollectorRegistry

from gateway.data.client_address import TrustedProxies
from gateway.data.open_connections import OpenConnections
from gateway.settings import Settings


class Idle:
    def __init__(self, of: OpenConnections, *, willing: bool = True) -> None:
        self.of, self.willing = of, willing
        self.ended = self.evicted = 0

    def on_idle_end(self) -> None:
        self.ended += 1

    def evict(self) -> bool:
        if self.willing:
            self.of.busy(self)
            self.evicted += 1
        return self.willing


def bounded(most: int, share: float, *proxies: str) -> OpenConnections:
    settings = Settings(max_connections=most, connection_share=share)
    return OpenConnections(settings, TrustedProxies(proxies), CollectorRegistry())


async def test_a_client_has_its_share_and_an_ipv6_client_its_64():
    connections = bounded(8, 0.25, "10.0.0.1")
    assert [connections.admit("2001:db8::1"), connections.admit("2001:db8::2")] == [True, True]
    assert not connections.admit("2001:db8::3")
    assert connections.admit("2001:db8:0:1::1")
    assert all(connections.admit("10.0.0.1") for _ in range(5))
    connections.left("2001:db8::1")
    assert len(connections) == 7
    assert connections.admit("2001:db8::3")


async def test_a_newcomer_costs_one_idle_connection_the_oldest_that_is_willing():
    connections = bounded(4, 1)
    for _ in range(4):
        assert connections.admit("10.0.0.1")
    unwilling, first, second = Idle(connections, willing=False), Idle(connections), Idle(connections)
    for idle in (unwilling, first, second):
        connections.idle(idle)
    assert connections.admit("10.0.0.2")
    assert (first.evicted, second.evicted) == (1, 0)
    assert connections.admit("10.0.0.2")
    assert second.evicted == 1
    assert not connections.admit("10.0.0.2")


async def test_idle_connections_end_in_their_order_and_busy_ones_do_not():
    connections = bounded(4, 1)
    now = [100.0]
    connections._loop = type("Clock", (), {"time": lambda _: now[0], "call_later": lambda *_: None})()  # pyright: ignore[reportAttributeAccessIssue]
    early, late, busy = Idle(connections), Idle(connections), Idle(connections)
    connections.idle(early)
    connections.idle(busy)
    now[0] += 60
    connections.idle(late)
    connections.busy(busy)
    now[0] += 5.5
    connections._end_idle()
    assert (early.ended, busy.ended, late.ended) == (1, 0, 0)
    now[0] += 60
    connections._end_idle()
    assert (early.ended, late.ended) == (1, 1)
