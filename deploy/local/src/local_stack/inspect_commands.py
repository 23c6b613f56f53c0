"""`status`, `logs`, `restart`, `stop`, `start`: looking at a running system and turning one process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from local_stack import background, control, orphans
from local_stack.errors import LocalStackError
from local_stack.mail.folder import mails

if TYPE_CHECKING:
    from local_stack.state import State


_WIDE = 200


def status(state: State, *, as_json: bool = False) -> int:
    """Show every process; the exit status is 0 only when all are ready.

    As JSON, a list for programs to read, it is always 0: they see for themselves.
    """
    if not background.is_running(state):
        left = orphans.find(state)
        if as_json:
            print("[]")
            return 0
        if left:
            print(f"The supervisor is gone, these still run: {', '.join(left)}. `make up` or `make down` cleans up.")
        else:
            print("Nothing is running. `make up` starts it.")
        return 1
    programs: list[dict[str, Any]] = control.ask(state, "status")["programs"]
    if as_json:
        print(json.dumps(programs, indent=2))
        return 0
    _show(programs)
    return 0 if all(program["ready"] for program in programs) else 1


def logs(state: State, name: str | None, *, follow: bool, lines: int) -> int:
    """Show the end of a process's log, and what is added to it when following."""
    known = sorted(path.stem for path in state.folder("logs").glob("*.log"))
    if name is None or name not in known:
        raise LocalStackError(f"say which log, as in `make logs S=orders`; there are: {', '.join(known) or 'none yet'}")
    command = ["tail", "-n", str(lines), *(["-F"] if follow else []), str(state.log(name))]
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 0


def restart(state: State, name: str) -> None:
    """Stop a process, start it again and wait until it is ready."""
    control.ask(state, "restart", name=name)
    _wait_for(state, name)


def stop(state: State, name: str) -> None:
    """Stop one process until it is started again."""
    control.ask(state, "stop", name=name)
    print(f"{name} is stopped")


def start(state: State, name: str) -> None:
    """Start a process that was stopped and wait until it is ready."""
    control.ask(state, "start", name=name)
    _wait_for(state, name)


def mail(state: State) -> None:
    """Show the mails that were sent, the newest last."""
    found = mails(state.root / "mail")
    if not found:
        print("No mail was sent yet.")
    for one in reversed(found):
        print(f"{one.message['Date']}  to {one.message['To']}: {one.message['Subject']}  ({one.path})")
        print("\n".join(f"  | {line}" for line in one.text.splitlines()))


def _wait_for(state: State, name: str, seconds: float = 240.0) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        program = next(p for p in control.ask(state, "status")["programs"] if p["name"] == name)
        if program["ready"]:
            print(f"{name} is ready after {time.monotonic() - begun:.1f} s")
            return
        time.sleep(0.1)
    raise LocalStackError(f"{name} is not ready after {seconds:.0f} s:\n{background.tail(state, name)}")


def _show(programs: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("process", "state", "pid", "port", "since", "restarts", "note"):
        table.add_column(heading, overflow="fold")
    for program in programs:
        table.add_row(
            program["name"],
            "ready" if program["ready"] else "not ready" if program["pid"] else "stopped",
            str(program["pid"] or "-"),
            str(program["port"] or "-"),
            _since(program["since"]),
            str(program["restarts"]),
            _note(program),
        )
    # Into a pipe or a log there is no terminal whose width the lines would have to fit.
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)


def _since(moment: float | None) -> str:
    if moment is None:
        return "-"
    seconds = int(time.time() - moment)
    began = datetime.fromtimestamp(moment).astimezone()
    return f"{began:%H:%M:%S} ({seconds // 3600}h{seconds // 60 % 60:02}m{seconds % 60:02}s)"


def _note(program: dict[str, Any]) -> str:
    if not program["ready"]:
        return program["problem"]
    return f"was restarted; it had ended by {program['last_exit']}" if program["restarts"] else ""
