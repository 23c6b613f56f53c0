"""The supervisor over real processes: tiny ones of the tests' own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from local_stack import background, control, orphans
from local_stack.errors import LocalStackError
from local_stack.ports import free_port
from local_stack.state import State

# A daemon like the real one, whose table has two HTTP servers; when a test wants it, one more that dies at
# once, or a late start.
DAEMON = """
import sys
import time
from pathlib import Path
from local_stack.daemon import run
from local_stack.program import HttpProbe, Program
from local_stack.state import State

if "late" in sys.argv:
    time.sleep(2)
state = State(Path(sys.argv[1]))
first, second = int(sys.argv[2]), int(sys.argv[3])

def serve(name, port, after=(), rank=0):
    command = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1")
    return Program(name=name, command=command, directory=state.folder("www"), port=port,
                   probe=HttpProbe(port, "/"), after=after, stop_rank=rank)

def table():
    yield serve("first", first)
    yield serve("second", second, after=("first",), rank=1)
    if "broken" in sys.argv:
        yield Program(name="broken", command=(sys.executable, "-c", "import sys; sys.exit('no such table: orders')"),
                      probe=HttpProbe(1))

run(state, "tiny", lambda: list(table()))
"""


class Tiny:
    """A running tiny system."""

    def __init__(self, state: State, *extra: str) -> None:
        self.state = state
        self.ports = free_port(), free_port()
        self.launch(*extra)

    def start(self) -> None:
        self.launch()
        background.wait_until_ready(self.state, 60, lambda _name, _seconds: None, self.process)

    def launch(self, *extra: str) -> None:
        (self.state.root / "supervisor.json").unlink(missing_ok=True)
        with self.state.log("supervisor").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", DAEMON, str(self.state.root), *map(str, self.ports), *extra],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def status(self, name: str) -> dict[str, Any]:
        programs = control.ask(self.state, "status")["programs"]
        return next(program for program in programs if program["name"] == name)

    def wait(self, holds: Callable[[], bool], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, control.ask(self.state, "status")
            time.sleep(0.05)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Tiny]:
    system = Tiny(State(tmp_path))
    background.wait_until_ready(system.state, 60, lambda _name, _seconds: None, system.process)
    yield system
    background.shut_down(system.state)
    system.process.wait(60)


def test_a_killed_child_is_restarted_and_it_is_said(tiny: Tiny):
    before = tiny.status("first")
    assert before["ready"]
    assert before["restarts"] == 0

    os.kill(before["pid"], signal.SIGKILL)
    tiny.wait(lambda: tiny.status("first")["restarts"] == 1 and tiny.status("first")["ready"])

    after = tiny.status("first")
    assert after["pid"] != before["pid"]
    assert after["last_exit"] == "signal SIGKILL"
    assert after["since"] > before["since"]
    assert "first ended (signal SIGKILL); starting it again" in tiny.state.log("supervisor").read_text()
    assert tiny.status("second")["restarts"] == 0


def test_one_program_is_stopped_started_and_restarted_by_command(tiny: Tiny):
    before = tiny.status("second")["pid"]
    control.ask(tiny.state, "stop", name="second")
    assert tiny.status("second")["pid"] is None
    assert not psutil.pid_exists(before)
    control.ask(tiny.state, "start", name="second")
    tiny.wait(lambda: tiny.status("second")["ready"])
    control.ask(tiny.state, "restart", name="second")
    tiny.wait(lambda: tiny.status("second")["ready"])
    assert tiny.status("second")["restarts"] == 0
    with pytest.raises(LocalStackError, match="no process named 'third'"):
        control.ask(tiny.state, "restart", name="third")


def test_a_command_without_the_token_is_refused(tiny: Tiny):
    facts = tiny.state.read("supervisor.json")
    tiny.state.write("supervisor.json", facts | {"token": "guessed"})
    with pytest.raises(LocalStackError, match="wrong token"):
        control.ask(tiny.state, "shutdown")
    tiny.state.write("supervisor.json", facts)
    assert tiny.status("first")["ready"]


def test_a_second_supervisor_on_the_same_folder_does_not_start(tiny: Tiny):
    command = [sys.executable, "-c", DAEMON, str(tiny.state.root), *map(str, tiny.ports)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode != 0
    assert "another command has held" in second.stderr
    assert tiny.status("first")["ready"]


def test_a_program_that_never_comes_up_is_named_with_its_last_lines_long_before_the_deadline(tmp_path: Path):
    system = Tiny(State(tmp_path), "broken")
    try:
        begun = time.monotonic()
        with pytest.raises(LocalStackError, match=r"not ready after .*: broken\.[\s\S]*no such table: orders"):
            background.wait_until_ready(system.state, 200, lambda _name, _seconds: None, system.process)
        assert time.monotonic() - begun < 60
    finally:
        background.shut_down(system.state)
        system.process.wait(60)


def test_a_supervisor_that_is_long_in_starting_is_waited_for(tmp_path: Path):
    system = Tiny(State(tmp_path), "late")
    try:
        background.wait_until_ready(system.state, 60, lambda _name, _seconds: None, system.process)
        assert system.status("first")["ready"]
    finally:
        background.shut_down(system.state)
        system.process.wait(60)


def test_a_supervisor_that_ends_at_once_is_not_waited_for(tmp_path: Path):
    state = State(tmp_path)
    state.log("supervisor").write_text("no such plan\n")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    with pytest.raises(LocalStackError, match=r"did not start:\n.*no such plan"):
        background.wait_until_ready(state, 200, lambda _name, _seconds: None, ended)


def test_what_uses_a_thing_is_stopped_before_it(tiny: Tiny):
    assert background.shut_down(tiny.state)
    log = tiny.state.log("supervisor").read_text()
    assert 0 < log.index("second stopped") < log.index("first stopped")


def test_shut_down_leaves_nothing(tiny: Tiny):
    pids = [tiny.status(name)["pid"] for name in ("first", "second")]
    assert background.shut_down(tiny.state)
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not background.is_running(tiny.state)
    assert not background.shut_down(tiny.state)


def test_what_a_killed_supervisor_left_is_found_and_ended(tiny: Tiny):
    pids = {name: tiny.status(name)["pid"] for name in ("first", "second")}
    tiny.process.kill()
    tiny.process.wait(60)
    assert not background.is_running(tiny.state)
    assert {name: process.pid for name, process in orphans.find(tiny.state).items()} == pids

    assert background.shut_down(tiny.state)
    assert not any(psutil.pid_exists(pid) for pid in pids.values())
    tiny.start()
    assert tiny.status("first")["ready"]


def test_an_orphan_that_ends_by_itself_while_the_others_are_told_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    state = State(tmp_path)
    ended = subprocess.Popen(["sleep", "60"], start_new_session=True)
    orphans.record(state, "first", ended.pid, signal.SIGTERM)
    found = orphans.find(state)
    ended.kill()
    ended.wait()
    monkeypatch.setattr(orphans, "find", lambda _: found)
    assert orphans.end(state) == ["first"]
    assert state.read("processes.json") == {}


def test_a_recorded_pid_that_now_belongs_to_another_process_is_left_alone(tmp_path: Path):
    state = State(tmp_path)
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        state.write("processes.json", {"first": {"pid": stranger.pid, "created": 1.0, "signal": 15}})
        assert orphans.end(state) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
