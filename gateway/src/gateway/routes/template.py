"""Paths with parameters, as rewrites, redirects and successors name them, filled in for a request."""

from __future__ import annotations

import re

_PART = re.compile(r"\{([a-z_]+)\*?\}")
_VERSION = -1


def names_in(template: str) -> list[str]:
    """The parameters of a template or of a route's path, in their order."""
    return _PART.findall(template)


class Template:
    """Compiled for one route: ``names`` are its parameters in the order of their values."""

    __slots__ = ("_pieces",)

    def __init__(self, template: str, names: list[str]) -> None:
        pieces: list[bytes | int] = []
        for index, part in enumerate(_PART.split(template)):
            if index % 2 == 0:
                pieces.append(part.encode())
            else:
                pieces.append(_VERSION if part == "version" and part not in names else names.index(part))
        self._pieces = tuple(pieces)

    def fill(self, parameters: list[bytes], version: bytes) -> bytes:
        """The path; parameters are canonical as they came, so that nothing is to be escaped."""
        return b"".join(
            piece if isinstance(piece, bytes) else version if piece == _VERSION else parameters[piece]
            for piece in self._pieces
        )
