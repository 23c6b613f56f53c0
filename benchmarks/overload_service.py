"""A service of a fixed capacity: so many requests at a time, so long each, the rest in a queue without end."""

import asyncio
import contextlib
import sys

import uvloop

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok"


async def serve(port: int, places: int, seconds: float) -> None:
    """Until killed."""
    free = asyncio.Semaphore(places)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                async with free:
                    await asyncio.sleep(seconds)
                writer.write(_ANSWER)
        writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
