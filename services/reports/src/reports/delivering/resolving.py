"""From a name to addresses that may be connected to: asked once, and every address of the answer checked."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.resolver

from reports.domain.webhook_address import Address, Reach
from reports.domain.webhook_url import AddressRefused, Target, UrlRefused

SECONDS = 4.0
_THREADS = 8


class HostNotFoundError(Exception):
    """The name has no address, or no name server said in time."""


class Resolver(Protocol):
    """Finds all addresses of a name."""

    async def __call__(self, name: str) -> Sequence[Address]:
        """The addresses, in the order to try them. Raises HostNotFoundError."""
        ...


def create_resolver(name_server: tuple[str, int] | None) -> Resolver:
    """The system's resolver, or one that asks this server (address, port) alone."""
    return _System() if name_server is None else _NameServer(*name_server)


async def find_addresses(resolver: Resolver, target: Target, reach: Reach) -> Sequence[Address]:
    """The addresses to connect to, for the very connection that follows.

    Who asks again when connecting may be told another address (DNS rebinding). One address out of reach
    refuses all. Raises AddressRefused, UrlRefused for its port, and HostNotFoundError.
    """
    addresses = [target.address] if target.address is not None else await resolver(target.host)
    if not all(reach.covers(address) for address in addresses):
        raise AddressRefused
    if not all(reach.opens(address, target.port) for address in addresses):
        raise UrlRefused(f"The URL's port is not one that webhooks may have: {', '.join(map(str, reach.ports))}.")
    return addresses


class _System:
    def __init__(self) -> None:
        # Threads of its own: names that somebody's server answers slowly must not hold up what else uses threads.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="webhook-resolver")

    async def __call__(self, name: str) -> Sequence[Address]:
        try:
            async with asyncio.timeout(SECONDS):
                # The final dot keeps the system from trying the name below domains of its own.
                found = await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, f"{name}.")
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
            raise HostNotFoundError from error
        return list(dict.fromkeys(found))


def _look_up(name: str) -> list[Address]:
    return [ipaddress.ip_address(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]


class _NameServer:
    def __init__(self, address: str, port: int) -> None:
        self._resolver = dns.asyncresolver.Resolver(configure=False)
        self._resolver.nameservers = [address]
        self._resolver.port = port
        self._resolver.lifetime = SECONDS

    async def __call__(self, name: str) -> Sequence[Address]:
        try:
            answers = await self._resolver.resolve_name(f"{name}.")
        except (dns.exception.DNSException, OSError) as error:
            raise HostNotFoundError from error
        addresses = [ipaddress.ip_address(text) for text in answers.addresses()]
        if not addresses:
            raise HostNotFoundError
        return addresses
