"""``gateway run``: its flags beside the settings, and what is said when one of them is wrong."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from gateway.routes.load import DEFAULT_FILE, load_routes

if TYPE_CHECKING:
    from gateway.routes.model import RoutesModel
    from gateway.settings import Settings
    from gateway.workers.place import Place

log = structlog.stdlib.get_logger(__name__)

_FLAGS = {
    "routes": ("--routes", "GATEWAY_ROUTES"),
    "host": ("--host", "HTTP_HOST"),
    "port": ("--port", "HTTP_PORT"),
    "workers": ("--workers", "WORKERS"),
    "redis": ("--no-redis", "REDIS_URL"),
}


def add_run_command(commands: argparse._SubParsersAction[Any]) -> None:  # pyright: ignore[reportPrivateUsage] - argparse names it no other way
    """Flags are text: what is wrong with one is said as it is of the setting."""
    run = commands.add_parser("run", help="serve; settings come from the environment, and a flag beats its setting")
    run.add_argument("--routes", metavar="FILE", help="the routes file (else GATEWAY_ROUTES, else the shipped one)")
    run.add_argument("--host", help="the address it listens at (else HTTP_HOST, else 127.0.0.1)")
    run.add_argument("--port", help="the port it listens at (else HTTP_PORT, else 8000)")
    run.add_argument("--workers", help="processes that share the port, or auto (else WORKERS)")
    run.add_argument(
        "--no-redis",
        dest="redis",
        action="store_const",
        const="none",
        help="limits are counted in this process alone (as REDIS_URL=none)",
    )


def run(given: argparse.Namespace) -> int:
    """Serve until a signal says stop; exit status 1 when settings are refused. Raises RoutesError."""
    from gateway.workers.entering import entered  # noqa: PLC0415 - check and explain need no server
    from gateway.workers.supervisor import supervise  # noqa: PLC0415 - the same

    flags = {setting: flag for name, (flag, setting) in _FLAGS.items() if getattr(given, name) is not None}
    # Into the environment, where workers find them too.
    os.environ.update({_FLAGS[name][1]: getattr(given, name) for name in _FLAGS if getattr(given, name) is not None})
    settings = _settings(flags)
    if settings is None:
        return 1
    _say(settings, load_routes(settings.routes))
    try:
        settings = entered(settings)
    except OSError as error:
        log.error("not_let_in", doorway=str(settings.doorway), error=str(error))  # noqa: TRY400 - no fault of ours
        return 1
    if settings.workers > 1:
        return supervise(settings)
    from gateway.server import run as serve  # noqa: PLC0415 - a parent of workers does without it

    return serve(settings, None)


def run_worker(place: Place) -> int:
    """One of several, for the parent that started it."""
    from gateway.server import run as serve  # noqa: PLC0415 - check and explain need no server
    from gateway.workers.whole_lines import write_whole_lines  # noqa: PLC0415 - the same

    write_whole_lines()
    # The machine may have fewer cores by now than when the parent counted them.
    settings = _settings({}, workers=len(place.listeners))
    return 1 if settings is None else serve(settings, place)


def _say(settings: Settings, model: RoutesModel) -> None:
    """What of the limits is not as the file says."""
    if not model.limits:
        return
    if settings.scale != 1 and settings.routes != DEFAULT_FILE:
        log.warning("limits_scaled", by=settings.scale, hint="LIMITS_SCALE=1 takes the figures of the file")
    if settings.redis is None and settings.workers > 1:
        log.warning("limits_parted", workers=settings.workers, hint="exact over all workers with Redis only")


def _settings(flags: dict[str, str], **given: Any) -> Settings | None:
    """Those of the environment, with logs set up by them; None when they are wrong, which has been said then."""
    from gateway.production import unsafe  # noqa: PLC0415 - check and explain need none
    from gateway.settings import Settings  # noqa: PLC0415
    from gateway.telemetry.logs import configure_logs  # noqa: PLC0415

    try:
        settings = Settings(**given)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = ".".join(map(str, problem["loc"]))
            print(f"{flags.get(name, name)}: {problem['msg']}", file=sys.stderr)
        return None
    if "GATEWAY_ROUTES" in flags and not Path(settings.routes).is_file():
        print(f"--routes: there is no file {settings.routes}", file=sys.stderr)
        return None
    if lines := list(unsafe(settings)):
        print("\n  ".join(["gateway: not safe for ENVIRONMENT=production:", *lines]), file=sys.stderr)
        return None
    configure_logs(settings.log_level)
    return settings
