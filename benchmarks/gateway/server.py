"""A server of the benchmark: started by its binary, pinned to its cores, stopped by its PID."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.gateway import machine

_START_SECONDS = 20.0
_STOP_SECONDS = 5.0


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class StartError(Exception):
    """It ended, or never listened; the message holds the end of what it wrote."""


class Server:
    """Use as a context manager; ``output`` is the file that its standard output and errors go to."""

    def __init__(
        self,
        command: Sequence[str | Path],
        port: int,
        cores: Sequence[int],
        output: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self.output = output
        self._command = [str(word) for word in command]
        self._cores = ",".join(map(str, cores))
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that was started; its children are found from it."""
        if self._process is None:
            raise StartError("not started")
        return self._process.pid

    def __enter__(self) -> Self:
        self.output.parent.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as output:
            # It ends with us even when we are killed.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", self._cores, *self._command],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            self._wait_for_port()
        except StartError:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_for_port(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise StartError(f"{Path(self._command[0]).name} does not listen: {self.said()}")

    def said(self) -> str:
        """The end of what it wrote."""
        return self.output.read_bytes()[-2000:].decode("utf-8", "replace")

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to what is left of it after a while."""
        if self._process is None:
            return
        family = machine.tree(self._process.pid)
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in family:
                _kill(pid)
            self._process.wait()
        self._process = None


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
