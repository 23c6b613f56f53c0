"""What can go wrong in a way a person can act upon: one line is shown and no stack."""


class LocalStackError(Exception):
    """The base of all; its text is the whole message for the person at the terminal."""


class PortTakenError(LocalStackError):
    """Another process listens on a port that was asked for."""

    def __init__(self, port: int, variable: str) -> None:
        super().__init__(
            f"port {port} on 127.0.0.1 is taken by another process; free it, or set {variable} to another port"
        )


class MissingProgramError(LocalStackError):
    """A server's program is not installed and can't be installed from here."""
