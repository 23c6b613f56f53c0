"""The end of a listener that nobody else shares: what has connected by then is accepted, and nothing is reset.

A socket that is closed resets the connections that wait in its queue, and whoever had sent a POST on one can't know
that nobody read it. So first it takes no further ones, then the queue is emptied, and only then is it closed. Who
connects in between is not refused but unheard; its kernel asks again after a second, and is then to hear that the port
is closed.
"""

import asyncio
import contextlib
import ctypes
import os
import socket
import struct
import time
from collections.abc import Iterable

import structlog

log = structlog.stdlib.get_logger(__name__)

# Of <asm-generic/socket.h>; Python has no name for it.
_SO_ATTACH_FILTER = 26
# A classic BPF program over the TCP header: what has SYN set is dropped, the end of a handshake passes.
_NO_SYN = (
    (0x30, 0, 0, 13),  # load the byte of the flags
    (0x45, 0, 1, 0x02),  # SYN?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # pass all of it
)
# In struct tcp_info of a listener: the length of its queue.
_QUEUED_AT = 24
# Of <asm-generic/socket.h> and <linux/sock_diag.h>: what a socket dropped.
_SO_MEMINFO, _DROPS = 55, 8
_HANDSHAKE_SECONDS = 0.02
_LONGEST_SECONDS = 2.0
_LOOK_EVERY = 0.01
ASKED_AGAIN_SECONDS = 1.2
"""Linux repeats a SYN after one second."""


def take_no_more(listener: socket.socket) -> None:
    """No connection is begun from now on; those whose handshake is under way still come. Raises OSError."""
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in _NO_SYN)
    held = ctypes.create_string_buffer(program, len(program))
    option = struct.pack("@HP", len(_NO_SYN), ctypes.addressof(held))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, option)


def queued(listener: socket.socket) -> int:
    """How many connections wait to be accepted."""
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return struct.unpack_from("I", info, _QUEUED_AT)[0]


def unheard(listener: socket.socket) -> int:
    """How many packets it dropped: attempts to connect, since it takes no more."""
    return struct.unpack("9I", listener.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36))[_DROPS]


async def accept_the_last(servers: Iterable[asyncio.Server]) -> float:
    """Return when nobody waits at these servers' sockets any more, and nobody can come.

    So many seconds the process is to stay after it has closed them: until those who were not heard have asked again.
    """
    with contextlib.ExitStack() as kept:
        # uvloop's sockets are no sockets.
        copies = [socket.socket(fileno=os.dup(one.fileno())) for server in servers for one in server.sockets]
        for listener in copies:
            kept.enter_context(listener)
        try:
            for listener in copies:
                take_no_more(listener)
            await asyncio.sleep(_HANDSHAKE_SECONDS)
            deadline = time.monotonic() + _LONGEST_SECONDS
            while any(map(queued, copies)) and time.monotonic() < deadline:  # noqa: ASYNC110 - the kernel tells no event
                await asyncio.sleep(_LOOK_EVERY)
            return ASKED_AGAIN_SECONDS if any(map(unheard, copies)) else 0.0
        except OSError as error:
            # Another kernel: it closes as it did, and what waited is reset.
            log.info("listener_closes_at_once", error=str(error))
            return 0.0
