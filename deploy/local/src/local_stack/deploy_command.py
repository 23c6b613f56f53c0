"""`deploy`: one service of a running system is replaced by the version in the tree, with no failed request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_stack import background, compose_deploy, control, mode
from local_stack.deploying import Patience
from local_stack.errors import LocalStackError
from local_stack.services import SERVICES
from local_stack.system import system_plan

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from local_stack.state import State

_MARGIN = 120.0
"""For the drain of the old one, and of the new one where it is taken back."""


def add_arguments(parser: ArgumentParser) -> None:
    """Which service, and how long it is waited for and watched."""
    parser.add_argument("name", nargs="?", help=", ".join(deployable()))
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the new one")
    parser.add_argument("--ready", type=float, default=Patience.ready, help="seconds until it has to be ready")
    parser.add_argument("--watch", type=float, default=Patience.watch, help="seconds for which both serve, watched")


def deployable() -> list[str]:
    """What can be replaced: a service goes with its worker."""
    return [*SERVICES, "gateway"]


def programs_of(name: str | None) -> list[str]:
    """The processes of a service. Raises LocalStackError for what is none."""
    if name not in deployable():
        raise LocalStackError(f"say what to deploy, as in `make deploy S=orders`: {', '.join(deployable())}")
    return [name] if name == "gateway" else [name, f"{name}-worker"]


def run(chosen: Namespace, state: State) -> int:
    """However the system runs."""
    if mode.remembered_mode(state) == "compose":
        changed = dict(_setting(text) for text in chosen.set)
        names = programs_of(chosen.name)
        return compose_deploy.deploy(state, names, changed, ready=chosen.ready, watch=chosen.watch)
    return locally(state, chosen.name, chosen.set, ready=chosen.ready, watch=chosen.watch)


def locally(state: State, name: str | None, settings: list[str], *, ready: float, watch: float) -> int:
    """Replace the processes of a service and say what was done."""
    wanted = programs_of(name)
    if not background.is_running(state):
        raise LocalStackError("nothing is running: `make up` starts it")
    changed = dict(_setting(text) for text in settings)
    # As `make up` was called, with the table of processes that the tree has now.
    table = system_plan(state, control.ask(state, "environment")["environment"])
    programs = [
        {
            "name": program.name,
            "command": list(program.command),
            "environment": dict(program.environment) | changed,
        }
        for program in table
        if program.name in wanted
    ]
    answer = control.ask(
        state, "deploy", seconds=2 * ready + watch + _MARGIN, programs=programs, ready=ready, watch=watch
    )
    for line in answer["done"]:
        print(f"  {line}")
    print(f"{name} is deployed")
    return 0


def _setting(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name:
        raise LocalStackError(f"--set {text}: NAME=VALUE is needed")
    return name, value
