"""An upstream of large bodies, as a program: sends a gigabyte to a GET and takes whatever a PUT brings."""

import argparse
import socket
import sys
import threading

SIZE = 1_000_000_000
_PIECE = 1_000_000


def receive(link: socket.socket, length: int) -> int:
    """Read and drop so many bytes; how many came."""
    room, got = memoryview(bytearray(_PIECE)), 0
    while got < length:
        count = link.recv_into(room[: min(_PIECE, length - got)])
        if not count:
            break
        got += count
    return got


def head(link: socket.socket) -> tuple[str, dict[str, str], bytes]:
    """First line, headers by lower-case name, and what of the body came along; an empty line at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = link.recv(65536)
        if not piece:
            return "", {}, b""
        data += piece
    text, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = text.decode("latin-1").split("\r\n")
    return first, {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}, rest


def _serve(link: socket.socket) -> None:
    with link:
        while True:
            first, headers, rest = head(link)
            if not first:
                return
            if first.startswith("PUT"):
                length = int(headers["content-length"])
                got = len(rest) + receive(link, length - len(rest))
                body = b'{"size":%d}' % got
                link.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            elif first.split(" ")[1] == "/health/ready":
                link.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            else:
                link.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % SIZE)
                piece = bytes(_PIECE)
                for _ in range(SIZE // _PIECE):
                    link.sendall(piece)


def _guarded(link: socket.socket) -> None:
    try:
        _serve(link)
    except ConnectionError:
        return


def main() -> int:
    """Serves until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    listener = socket.create_server(("127.0.0.1", parser.parse_args().port))
    while True:
        link, _ = listener.accept()
        threading.Thread(target=_guarded, args=(link,), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
