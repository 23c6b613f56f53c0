"""How commands talk to the supervisor: a line of JSON each way over loopback, with a token.

A port and not a Unix socket, because a socket's path may be at most about 100 bytes long and a state folder's may not
be so short. The token stands in a file that only the owner can read.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import socket
from typing import TYPE_CHECKING, Any

from local_stack.errors import LocalStackError
from local_stack.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local_stack.state import State

_FILE = "supervisor.json"
_ANSWER_SECONDS = 90.0


async def serve(
    state: State, handle: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]], facts: dict[str, Any]
) -> asyncio.Server:
    """Listen for commands and write down where; `facts` are kept beside it for `ask`'s callers."""
    token = secrets.token_urlsafe(24)

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            message = json.loads(await reader.readline())
            if not hmac.compare_digest(str(message.pop("token", "")), token):
                answer: dict[str, Any] = {"error": "wrong token"}
            else:
                answer = await handle(message)
        except LocalStackError as error:
            answer = {"error": str(error)}
        except ValueError:
            answer = {"error": "no JSON"}
        try:
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(on_connection, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    state.write(_FILE, facts | {"port": port, "token": token})
    return server


def ask(state: State, command: str, /, seconds: float = _ANSWER_SECONDS, **arguments: Any) -> dict[str, Any]:
    """Send a command to the running supervisor and return its answer, within so long; an error it names is raised."""
    facts = state.read(_FILE)
    message = {"token": facts.get("token"), "command": command, **arguments}
    try:
        with socket.create_connection((HOST, facts.get("port", 0)), timeout=seconds) as connection:
            connection.sendall(json.dumps(message).encode() + b"\n")
            answer = json.loads(connection.makefile().readline() or "{}")
    except (OSError, ValueError) as error:
        raise LocalStackError(f"the supervisor does not answer: {error}") from error
    if "error" in answer:
        raise LocalStackError(answer["error"])
    return answer


def facts_of(state: State) -> dict[str, Any]:
    """What the running supervisor wrote down about itself."""
    return state.read(_FILE)
