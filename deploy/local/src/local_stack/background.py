"""Starting, waiting for and stopping the background supervisor, from a command."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from local_stack import control, orphans
from local_stack.daemon import RUNNING_LOCK
from local_stack.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_stack.state import State

_TAIL = 25
_ENDING_SECONDS = 2.0
_HOPELESS = 5
"""Restarts after which `up` gives up on a program that has not become ready."""


def is_running(state: State) -> bool:
    """Whether a supervisor runs on this folder; one that is just ending is waited for a moment."""
    if not state.locked(RUNNING_LOCK):
        return False
    try:
        control.ask(state, "status")
    except LocalStackError:
        deadline = time.monotonic() + _ENDING_SECONDS
        while state.locked(RUNNING_LOCK) and time.monotonic() < deadline:
            time.sleep(0.05)
    return state.locked(RUNNING_LOCK)


def launch(state: State, plan: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start the supervisor in the background; its own log is `logs/supervisor.log`."""
    (state.root / "supervisor.json").unlink(missing_ok=True)
    with state.log("supervisor").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "local_stack.daemon", str(state.root), plan],
            env=dict(os.environ if environment is None else environment),
            cwd=state.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def wait_until_ready(
    state: State,
    seconds: float,
    tell: Callable[[str, float], None],
    launched: subprocess.Popen[bytes] | None = None,
) -> None:
    """Return when every program is ready, telling each as it becomes so; raise with the culprit's last lines.

    ``launched`` is the supervisor that was just started; without one it must run already.
    """
    begun = time.monotonic()
    told: set[str] = set()
    programs: list[dict[str, Any]] = []
    restarts_before: dict[str, int] = {}
    while time.monotonic() - begun < seconds:
        if control.facts_of(state):
            programs = control.ask(state, "status")["programs"]
            for program in programs:
                if program["ready"] and program["name"] not in told:
                    told.add(program["name"])
                    tell(program["name"], time.monotonic() - begun)
            if all(program["ready"] for program in programs):
                return
            for program in programs:
                restarts_before.setdefault(program["name"], program["restarts"])
            if any(
                program["restarts"] - restarts_before[program["name"]] >= _HOPELESS and not program["ready"]
                for program in programs
            ):
                break
        # On a busy machine it takes seconds until a supervisor that was launched holds its lock.
        elif (not state.locked(RUNNING_LOCK)) if launched is None else (launched.poll() is not None):
            raise LocalStackError(f"the supervisor did not start:\n{tail(state, 'supervisor')}")
        time.sleep(0.1)
    late = [program for program in programs if not program["ready"]]
    culprit = max(late, key=_blame, default=None)
    if culprit is None:
        raise LocalStackError(f"the supervisor did not answer:\n{tail(state, 'supervisor')}")
    names = ", ".join(program["name"] for program in late)
    raise LocalStackError(
        f"not ready after {time.monotonic() - begun:.0f} s: {names}. {culprit['name']}: {culprit['problem']}\n"
        f"the last lines of {state.log(culprit['name'])}:\n{tail(state, culprit['name'])}"
    )


def _blame(program: dict[str, Any]) -> tuple[int, bool]:
    """Who is shown of those that aren't ready: the one that dies most, not one that waits for another."""
    return program["restarts"], not program["problem"].startswith("waits for")


def tail(state: State, program: str, lines: int = _TAIL) -> str:
    """The last lines of a program's log."""
    try:
        text = state.log(program).read_text(errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(f"  | {line}" for line in text.splitlines()[-lines:])


def shut_down(state: State, seconds: float = 90.0) -> bool:
    """Stop the supervisor with all it runs, and orphans of one that was killed; whether there was anything."""
    ran = is_running(state)
    if ran:
        control.ask(state, "shutdown")
        deadline = time.monotonic() + seconds
        while state.locked(RUNNING_LOCK):
            if time.monotonic() > deadline:
                raise LocalStackError(
                    f"the supervisor did not end within {seconds:.0f} s; see {state.log('supervisor')}"
                )
            time.sleep(0.05)
    return bool(orphans.end(state)) or ran
