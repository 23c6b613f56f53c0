"""The body on its way to the client: compressed or not, chunked, by length, or ended by the close."""

from gateway.data.compression import Encoder


class AnswerBody:
    """Frames the pieces of one body."""

    __slots__ = ("chunked", "encoder", "flushes", "left", "silent", "trailers")

    def __init__(
        self, encoder: Encoder | None, length: int | None, *, chunked: bool, silent: bool, flushes: bool
    ) -> None:
        self.chunked = chunked
        self.silent = silent
        self.encoder = encoder
        # An upstream that streams without a length means its pieces to arrive as it sends them.
        self.flushes = flushes
        self.left = length
        # Whole lines.
        self.trailers = b""

    def piece(self, data: bytes, out: list[bytes]) -> None:
        """Put ``data`` into ``out`` as it goes on the wire."""
        if self.silent:
            return
        if self.left is not None:
            self.left -= len(data)
        if self.encoder is not None:
            data = self.encoder.write(data)
        self._frame(data, out)

    def flush(self, out: list[bytes]) -> None:
        """The end of what the upstream sent in one go."""
        if self.encoder is not None and self.flushes and not self.silent:
            self._frame(self.encoder.flush(), out)

    def end(self, out: list[bytes]) -> None:
        """The last of it."""
        if self.silent:
            return
        if self.encoder is not None:
            self._frame(self.encoder.finish(), out)
        if self.chunked:
            out.append(b"0\r\n" + self.trailers + b"\r\n")

    def _frame(self, data: bytes, out: list[bytes]) -> None:
        if not data:
            return
        if self.chunked:
            out += (b"%x\r\n" % len(data), data, b"\r\n")
        else:
            out.append(data)
