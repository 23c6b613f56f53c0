"""The command line: what the Makefile calls."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from local_stack import (
    containers,
    deploy_command,
    inspect_commands,
    lifecycle,
    mode,
    on_call_commands,
    parked_messages,
    server_commands,
)
from local_stack.errors import LocalStackError
from local_stack.state import State


def main(arguments: list[str] | None = None) -> int:
    """Run one command; an error a person can act upon is shown in words, and the status is 1."""
    chosen = _parser().parse_args(arguments)
    state = State.at(chosen.state)
    try:
        return _run(chosen, state)
    except LocalStackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read our output (`| head`) has enough; without this Python complains again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="local_stack")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--state", type=Path, help="the state folder (GATEHOUSE_STATE, else .state)")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, parents=[shared])

    command("up", "bring the whole system up")
    command("down", "stop it and keep the data")
    command("clean", "stop it and remove the data")
    command("status", "who runs, ready or not, since when, on which port").add_argument("--json", action="store_true")
    logs = command("logs", "one process's log")
    logs.add_argument("name", nargs="?")
    logs.add_argument("--follow", action="store_true")
    logs.add_argument("--lines", type=int, default=100)
    for name in ("restart", "stop", "start"):
        command(name, f"{name} one process").add_argument("name")
    deploy_command.add_arguments(command("deploy", "replace a running service by the version in the tree"))
    jobs = command("jobs", "a service's jobs: list, show, cancel, retry")
    jobs.add_argument("name", nargs="?")
    jobs.add_argument("arguments", nargs=argparse.REMAINDER)
    keys = command("keys", "the keys that access tokens are signed with: list, rotate, withdraw")
    keys.add_argument("arguments", nargs=argparse.REMAINDER)
    command("mail", "the mails the system has sent")
    parked = command("parked", "messages that could not be handled")
    parked.add_argument("arguments", nargs=argparse.REMAINDER, help="of python -m shared.parked; none: list all queues")
    command("servers", "the embedded servers alone, for tests").add_argument("action", choices=["up", "down", "env"])
    return parser


def _run(chosen: argparse.Namespace, state: State) -> int:
    match chosen.command:
        case "up":
            return _up(state)
        case "servers":
            {"up": server_commands.up, "down": server_commands.down, "env": server_commands.env}[chosen.action](state)
        case "deploy":
            return deploy_command.run(chosen, state)
        case _:
            run = containers.run if mode.remembered_mode(state) == "compose" else _locally
            return run(chosen, state)
    return 0


def _locally(chosen: argparse.Namespace, state: State) -> int:
    match chosen.command:
        case "status":
            return inspect_commands.status(state, as_json=chosen.json)
        case "logs":
            return inspect_commands.logs(state, chosen.name, follow=chosen.follow, lines=chosen.lines)
        case "down":
            lifecycle.down(state)
        case "clean":
            lifecycle.clean(state)
        case "jobs":
            return on_call_commands.jobs(state, chosen.name, chosen.arguments)
        case "mail":
            inspect_commands.mail(state)
        case "parked" | "keys":
            run = parked_messages.locally if chosen.command == "parked" else on_call_commands.keys
            return run(state, chosen.arguments)
        case "restart":
            inspect_commands.restart(state, chosen.name)
        case "stop":
            inspect_commands.stop(state, chosen.name)
        case _:
            inspect_commands.start(state, chosen.name)
    return 0


def _up(state: State) -> int:
    chosen_mode = mode.chosen_mode(os.environ)

    def ports_known() -> None:
        mode.remember(state, chosen_mode)

    if chosen_mode == "compose":
        return containers.up(state, ports_known=ports_known)
    lifecycle.up(state, ports_known=ports_known)
    return 0
