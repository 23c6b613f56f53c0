"""The command ``gateway``: run the server, check a routes file, explain where a request would go."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from gateway.cli_explain import explain
from gateway.cli_run import add_run_command, run, run_worker
from gateway.routes.load import DEFAULT_FILE, RoutesError, load_routes
from gateway.routes.reference import reference
from gateway.routes.suspicious import warnings_of
from gateway.workers.place import add_worker_command, place


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 when it worked, 1 when the file or the request is refused, 2 for wrong usage."""
    routes = Path(os.environ.get("GATEWAY_ROUTES") or DEFAULT_FILE)
    parser = argparse.ArgumentParser(prog="gateway", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add_run_command(commands)
    add_worker_command(commands)
    check = commands.add_parser("check", help="validate a routes file as a whole")
    check.add_argument("file", nargs="?", type=Path, default=routes, help="else GATEWAY_ROUTES, else the shipped one")
    why = commands.add_parser("explain", help="say which route and version serves a request, and how")
    why.add_argument("method")
    why.add_argument("path", help="as in a request line, with its query")
    why.add_argument("-H", "--header", action="append", default=[], metavar="'NAME: VALUE'")
    why.add_argument("--accept", default=None, help="the same as -H 'Accept: ...'")
    why.add_argument("--address", default="127.0.0.1", help="the client's, as trusted proxies tell it")
    why.add_argument("--user", default=None, help="the subject of the token, for splits by client")
    why.add_argument("--file", type=Path, default=routes, help="else GATEWAY_ROUTES, else the shipped one")
    document = commands.add_parser("reference", help="print what a routes file may say, in Markdown")
    document.add_argument("--check", type=Path, metavar="FILE", help="exit with 1 when the file is not what is printed")
    given = parser.parse_args(arguments)
    try:
        if given.command == "run":
            return run(given)
        if given.command == "reference":
            return _reference(given.check)
        if given.command == "worker":
            return run_worker(place(given))
        return _check(given.file) if given.command == "check" else _explain(given)
    except RoutesError as error:
        print(error, file=sys.stderr)
        return 1


def _check(file: Path) -> int:
    model = load_routes(file)
    for warning in warnings_of(file, model):
        print(warning, file=sys.stderr)
    print(f"{file}: {len(model.routes)} routes, {len(model.upstreams)} upstreams: good")
    return 0


def _explain(given: argparse.Namespace) -> int:
    model, method = load_routes(given.file), given.method.upper()
    return explain(model, method, given.path, given.accept, given.header, given.address, given.user)


def _reference(file: Path | None) -> int:
    if file is None:
        print(reference(), end="")
    elif not file.exists() or file.read_text() != reference():
        print(f"{file} is not what `gateway reference` prints: write it anew", file=sys.stderr)
        return 1
    return 0
