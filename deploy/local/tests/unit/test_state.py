"""The state folder: secrets stay and are private, a lock is held by one, ports are remembered while free."""

import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.errors import LocalStackError, PortTakenError
from local_stack.ports import free_port, is_free, port_setting, remembered_ports, require_free
from local_stack.state import State
from local_stack.system_ports import SystemPorts


def test_a_secret_stays_the_same_and_is_readable_by_its_owner_only(tmp_path: Path):
    first = State(tmp_path / "a").secret("redis")
    assert State(tmp_path / "a").secret("redis") == first
    assert State(tmp_path / "b").secret("redis") != first
    assert stat.S_IMODE((tmp_path / "a" / "secrets.json").stat().st_mode) == 0o600


def test_the_lock_is_held_against_another_process_and_freed_when_it_is_killed(tmp_path: Path):
    state = State(tmp_path)
    script = (
        "import sys, time; from pathlib import Path; from local_stack.state import State\n"
        "with State(Path(sys.argv[1])).lock(): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert state.locked("lock")
        with pytest.raises(LocalStackError, match="another command"), state.lock(seconds=0.2):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with state.lock(seconds=1):
        assert state.locked("lock")


def test_a_remembered_port_that_somebody_took_is_given_up(tmp_path: Path):
    state = State(tmp_path)
    first = remembered_ports(state, ("postgres", "redis"))
    assert remembered_ports(state, ("postgres", "redis")) == first
    with socket.socket() as other:
        other.bind(("127.0.0.1", first["redis"]))
        other.listen()
        second = remembered_ports(state, ("postgres", "redis"))
    assert second["postgres"] == first["postgres"]
    assert second["redis"] != first["redis"]


def test_a_port_that_another_system_has_chosen_and_does_not_listen_on_yet_is_given_up(tmp_path: Path):
    script = (
        "import sys; from pathlib import Path; from local_stack.ports import remembered_ports\n"
        "from local_stack.state import State\n"
        "remembered_ports(State(Path(sys.argv[1])), ('postgres', 'redis')); print('chosen', flush=True); input()"
    )
    pipe = subprocess.PIPE
    other = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "a")], stdin=pipe, stdout=pipe, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "chosen\n"
        chosen = State(tmp_path / "a").read("ports.json")
        mine = State(tmp_path / "b")
        mine.write("ports.json", chosen)
        found = remembered_ports(mine, ("postgres", "redis"))
        assert not set(found.values()) & set(chosen.values())
    finally:
        other.kill()
        other.communicate()


def test_a_taken_port_is_one_error_that_names_port_and_variable():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(PortTakenError, match=rf"port {port} .* set ORDERS_PORT"):
            require_free(port, "ORDERS_PORT")


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "80.5"])
def test_a_port_that_is_none_is_an_error(text: str):
    with pytest.raises(LocalStackError, match="GATEWAY_PORT"):
        port_setting({"GATEWAY_PORT": text}, "GATEWAY_PORT", 8000)


def test_the_default_ports_are_the_contracts():
    contract = {"gateway": 8000, "users": 8010, "orders": 8020, "reports": 8030}
    assert contract.items() <= SystemPorts.of({}).chosen.items()


def test_two_processes_on_one_port_are_an_error():
    port = free_port()
    # The users worker takes the port after the users API.
    with pytest.raises(LocalStackError, match="USERS_PORT and by ORDERS_PORT"):
        SystemPorts.of({"USERS_PORT": str(port), "ORDERS_PORT": str(port + 1)})
