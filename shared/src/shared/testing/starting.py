"""Starts of a program with settings of the test's choosing, each in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

_MOST_SECONDS = 120

# Importing takes a second or two and is the same for each start, so it is done once, and each start is a fork of it
# that ends as the interpreter would, but for the second that taking its heap apart takes.
_FORKING = """
import gc, importlib, json, os, signal, sys, traceback
main = importlib.import_module(sys.argv[1]).main
gc.freeze()

def ended():
    try:
        main()
    except SystemExit as exit:
        if exit.code is None or isinstance(exit.code, int):
            return exit.code or 0
        print(exit.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    else:
        return 0
    return 1

for line in sys.stdin:
    environment, said = json.loads(line)
    child = os.fork()
    if child == 0:
        signal.alarm(int(sys.argv[2]))
        os.environ.clear()
        os.environ.update(environment)
        sys.argv[:] = sys.argv[:1]
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
        os.dup2(2, 1)
        status = ended()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit status, minus a signal's number when one ended it, and what it printed."""

    status: int
    said: str


class Program:
    """A module with a ``main`` that is started as often as wanted."""

    def __init__(self, asked: IO[str], answered: IO[str], folder: Path) -> None:
        self._asked = asked
        self._answered = answered
        self._said = folder / "said"

    def start(self, environment: Mapping[str, str]) -> Ended:
        """Call ``main`` in a new process that has this environment and no other variable; killed after two minutes.

        Raises ChildProcessError when the module cannot be imported; what Python says of it is on stderr.
        """
        self._asked.write(json.dumps([dict(environment), str(self._said)]) + "\n")
        self._asked.flush()
        status = self._answered.readline()
        if not status:
            raise ChildProcessError("the module cannot be imported, for the reason printed above")
        return Ended(int(status), self._said.read_text())


@contextmanager
def program(module: str) -> Iterator[Program]:
    """The module's program, to be started while the block runs."""
    command = [sys.executable, "-c", _FORKING, module, str(_MOST_SECONDS)]
    with TemporaryDirectory() as folder:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours
        with process:
            yield Program(cast("IO[str]", process.stdin), cast("IO[str]", process.stdout), Path(folder))
