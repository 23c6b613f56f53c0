"""Questions and answers over a socket pair."""

import asyncio
import socket
from typing import Any

import pytest

from gateway.workers.channel import Channel, ChannelError
from shared.testing.waiting import PATIENCE_SECONDS


async def pair(**duties: Any) -> tuple[Channel, Channel, asyncio.Event]:
    one, other = socket.socketpair()
    lost = asyncio.Event()
    asks, answers = Channel({}, lost.set), Channel(duties, lambda: None)
    await asks.open(one)
    await answers.open(other)
    return asks, answers, lost


async def test_answers_find_their_questions_whatever_their_order_and_size():
    async def slow(message: dict[str, Any]) -> str:
        for _ in range(message["turns"]):
            await asyncio.sleep(0)
        return "x" * message["size"]

    asks, answers, _ = await pair(slow=slow)
    sizes = [3_000_000, 1, 70_000]
    found = await asyncio.gather(
        *(asks.ask("slow", PATIENCE_SECONDS, turns=9 - 3 * index, size=size) for index, size in enumerate(sizes))
    )
    assert [len(text) for text in found] == sizes
    asks.close()
    answers.close()


async def test_what_fails_is_told_and_what_is_late_is_given_up():
    async def fails(_: dict[str, Any]) -> None:
        raise ValueError("secret")

    async def never(_: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    asks, answers, lost = await pair(fails=fails, never=never)
    with pytest.raises(ChannelError, match="ValueError"):
        await asks.ask("fails", PATIENCE_SECONDS)
    with pytest.raises(ChannelError, match="KeyError"):
        await asks.ask("unknown", PATIENCE_SECONDS)
    with pytest.raises(ChannelError, match="late"):
        await asks.ask("never", 0.01)
    waiting = asyncio.ensure_future(asks.ask("never", PATIENCE_SECONDS))
    await asyncio.sleep(0)
    answers.close()
    with pytest.raises(ChannelError, match="lost"):
        await waiting
    assert lost.is_set()
    with pytest.raises(ChannelError, match="closed"):
        await asks.ask("never", PATIENCE_SECONDS)
