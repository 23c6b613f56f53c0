"""The ports of the whole system: fixed by default, each settable by a variable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local_stack.errors import LocalStackError
from local_stack.ports import HOST, port_setting, require_free
from local_stack.services import SERVICE_PORTS

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULTS = {
    "gateway": ("GATEWAY_PORT", 8000),
    **{service: (f"{service.upper()}_PORT", port) for service, port in SERVICE_PORTS.items()},
    "traces": ("TRACES_PORT", 8040),
    "mail": ("MAIL_PORT", 8050),
}
_WITH_SECOND = (*SERVICE_PORTS, "mail")
"""Whose next port is theirs too: a service's worker, the mail sink's page."""


@dataclass(frozen=True)
class SystemPorts:
    """Where each process of the system listens, on 127.0.0.1, by its name."""

    chosen: Mapping[str, int]

    @property
    def mail(self) -> int:
        """That of SMTP; the page of the mails has the next one."""
        return self.chosen["mail"]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> SystemPorts:
        """The ports that the environment asks for; two processes on one port are an error."""
        ports = cls(
            {name: port_setting(environment, variable, default) for name, (variable, default) in _DEFAULTS.items()}
        )
        seen: dict[int, str] = {}
        for port, variable in ports._all():
            if port in seen:
                raise LocalStackError(f"port {port} is asked for twice, by {seen[port]} and by {variable}")
            seen[port] = variable
        return ports

    def require_free(self) -> None:
        """Raise `PortTakenError` for the first port that somebody else listens on."""
        for port, variable in self._all():
            require_free(port, variable)

    def require_same_processes(self) -> None:
        """Raise when the tree has got, or lost, a service since these were chosen: it is not what runs."""
        if changed := sorted(_DEFAULTS.keys() ^ self.chosen.keys()):
            raise LocalStackError(
                f"{', '.join(changed)}: come or gone since the system was started; run `make down`, then `make up`"
            )

    def require_asked(self, environment: Mapping[str, str]) -> None:
        """Raise when the environment asks for another port than the one it runs on: no wish is silently ignored."""
        for name, port in self.chosen.items():
            variable, _ = _DEFAULTS[name]
            asked = environment.get(variable)
            if asked and asked != str(port):
                raise LocalStackError(f"{variable}={asked}, but it runs on port {port}: run `make down` first")

    def url(self, name: str) -> str:
        """The URL of a process by its name."""
        return f"http://{HOST}:{self.chosen[name]}"

    def _all(self) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        for name, (variable, _) in _DEFAULTS.items():
            found.append((self.chosen[name], variable))
            if name in _WITH_SECOND:
                found.append((self.chosen[name] + 1, variable))
        return found
