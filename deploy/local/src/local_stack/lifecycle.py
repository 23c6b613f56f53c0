"""`up`, `down` and `clean` of the whole system as local processes."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

from local_stack import background, control, embedded
from local_stack.errors import LocalStackError
from local_stack.servers.unprivileged import remove_home
from local_stack.state import REPOSITORY, State
from local_stack.system import signing_key
from local_stack.system_ports import SystemPorts

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable


_PLAN = "system"
_DEADLINE = 240.0


def up(state: State, *, ports_known: Callable[[], None]) -> None:
    """Bring the system up and return when all of it is ready; when it runs, only say so.

    `ports_known` is called once it is sure that it can start: the ports are free or already ours.
    """
    begun = time.monotonic()
    with state.lock():
        running = background.is_running(state)
        if running:
            _require_plan(state)
            ports = _running_ports(state)
        else:
            ports = SystemPorts.of(os.environ)
            _clear_the_way(state, ports)
        ports_known()
        launched = None if running else _start(state, ports)
        told = 0

        def tell(name: str, seconds: float) -> None:
            nonlocal told
            told += 1
            if not running or seconds > 1:
                _step(f"{name} is ready", seconds)

        background.wait_until_ready(state, _DEADLINE, tell, launched)
    if running and time.monotonic() - begun < 1:
        print(f"Gatehouse is up already: nothing to do. All {told} processes are ready.")
    else:
        _step("all ready", time.monotonic() - begun)
    welcome(ports, logs=str(state.root / "logs"))


def down(state: State) -> None:
    """Stop everything and keep the data."""
    begun = time.monotonic()
    with state.lock():
        stopped = background.shut_down(state)
    if stopped:
        _step("stopped; the data is kept (`make clean` removes it)", time.monotonic() - begun)
    else:
        print("Nothing was running.")


def clean(state: State) -> None:
    """Stop everything and remove the state folder, with the test servers' folder in it."""
    if not state.root.exists():
        print("There is nothing to remove.")
        return
    if not _is_ours(state):
        raise LocalStackError(f"{state.root} is no state folder of ours: not removed")
    down(state)
    for nested in (State(path.parent) for path in state.root.glob("*/ports.json")):
        if background.shut_down(nested):
            _step(f"stopped the servers of {nested.root}", 0)
        remove_home(nested, "postgres")
    with state.lock():
        remove_home(state, "postgres")
        shutil.rmtree(state.root)
    print(f"Removed {state.root}.")


def _is_ours(state: State) -> bool:
    """Whether only we can have made it, so that a stranger's files are never removed by a mistyped path."""
    if state.root == REPOSITORY / ".state" or (state.root / "ports.json").exists():
        return True
    expected = {"lock", "supervisor.lock", "logs", "mode.json", "compose", "demo"}
    return all(path.name in expected for path in state.root.iterdir())


def _clear_the_way(state: State, ports: SystemPorts) -> None:
    print(f"Bringing Gatehouse up as local processes (state and logs in {state.root})", flush=True)
    begun = time.monotonic()
    if background.shut_down(state):
        _step("stopped what a killed supervisor had left running", time.monotonic() - begun)
    ports.require_free()


def _start(state: State, ports: SystemPorts) -> subprocess.Popen[bytes]:
    begun = time.monotonic()
    embedded.prepare(state, os.environ, lambda text: _step(text, time.monotonic() - begun))
    signing_key(state)
    state.write("system.json", dict(ports.chosen))
    _step("servers are installed and laid out", time.monotonic() - begun)
    return background.launch(state, _PLAN)


def _require_plan(state: State) -> None:
    plan = control.facts_of(state).get("plan", _PLAN)
    if plan != _PLAN:
        raise LocalStackError(f"{state.root} runs the plan {plan!r}: stop that first, or set GATEHOUSE_STATE")


def _running_ports(state: State) -> SystemPorts:
    """The ports it runs on; an explicit wish for others is an error and not silently ignored."""
    running = SystemPorts(state.read("system.json"))
    running.require_same_processes()
    running.require_asked(os.environ)
    return running


def _step(text: str, seconds: float) -> None:
    print(f"  {seconds:6.1f} s  {text}", flush=True)


def welcome(ports: SystemPorts, *, logs: str) -> None:
    """Say where everything is, who can log in, and what to try next."""
    gateway = ports.url("gateway")
    print(
        f"""
  Gateway   {gateway}          (docs: {gateway}/docs)
  Traces    {ports.url("traces")}
  Mail      http://127.0.0.1:{ports.mail + 1}
  Logs      {logs}

  Accounts  admin@example.com / Admin12345    demo@example.com / Demo12345

  Try next  make demo              one journey from registration to a report and its trace
            make status            who runs, since when, on which port
            make logs S=orders     one service's log
            make down              stop; the data stays
"""
    )
