"""A cancellation that the AMQP library has dropped.

A task that is cancelled while it waits for the broker's answer closes the channel, and aiormq then raises
ChannelClosed in the place of CancelledError; ``Channel.close`` even drops that. Such a task would go on as
if nobody had told it to end, and a worker told to stop would wait for it for ever. So every loop that
uses the bus asks, before it waits again.
"""

import asyncio


def raise_if_cancelled() -> None:
    """Raise CancelledError when the current task was told to end, whoever dropped it on the way."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
