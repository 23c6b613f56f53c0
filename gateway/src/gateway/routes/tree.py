"""The tree of path segments: a look-up costs the depth of the path, whatever the number of routes.

Of the paths that fit, the first segment from the left that differs decides: a word beats a parameter beats the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.routes.conditions import Conditions
    from gateway.routes.table import Route

# By method, then by version (None for a path without versions). HEAD is there where GET is; ``*`` is any method.
Methods = dict[bytes, "dict[int | None, Route]"]
ANY = b"*"


@dataclass(frozen=True, slots=True)
class Choice:
    """A route at a node for one method and version, under conditions."""

    conditions: Conditions
    method: bytes
    version: int | None
    route: Route


@dataclass(slots=True)
class Node:
    """One segment of the tree, and the routes whose path ends here."""

    children: dict[bytes, Node] = field(default_factory=dict[bytes, "Node"])
    parameter: Node | None = None
    rest: Node | None = None
    choices: list[Choice] = field(default_factory=list["Choice"])
    # Filled by ``settle``. Where ``conditional``, methods are worked out for each request.
    methods: Methods = field(default_factory=dict[bytes, "dict[int | None, Route]"])
    conditional: bool = False
    varies: tuple[bytes, ...] = ()

    def place(self, segments: Sequence[str]) -> Node:
        """The node of a path template below this one, made where it is not there."""
        node = self
        for segment in segments:
            if segment.endswith("*}"):
                node.rest = node.rest or Node()
                node = node.rest
            elif segment.startswith("{"):
                node.parameter = node.parameter or Node()
                node = node.parameter
            else:
                node = node.children.setdefault(segment.encode(), Node())
        return node

    def nodes(self) -> Iterator[Node]:
        """This one and all below it."""
        yield self
        for child in (*self.children.values(), self.parameter, self.rest):
            if child is not None:
                yield from child.nodes()

    def settle(self) -> None:
        """All routes are placed: work out what no request can change."""
        # Who asks for most comes last and so takes the place; of equal ones the file's first.
        self.choices.reverse()
        self.choices.sort(key=lambda choice: len(choice.conditions))
        self.conditional = any(len(choice.conditions) for choice in self.choices)
        self.varies = tuple(dict.fromkeys(name for choice in self.choices for name in choice.conditions.names))
        if not self.conditional:
            self.methods = _completed(self.choices)
        for child in (*self.children.values(), self.parameter, self.rest):
            if child is not None:
                child.settle()

    def fitting(self, headers: Sequence[tuple[bytes, bytes]], query: bytes) -> Methods:
        """The methods whose routes' conditions the request meets; none when it meets none."""
        if not self.conditional:
            return self.methods
        return _completed([choice for choice in self.choices if choice.conditions.hold(headers, query)])


def _completed(choices: Sequence[Choice]) -> Methods:
    methods: Methods = {}
    for choice in choices:
        methods.setdefault(choice.method, {})[choice.version] = choice.route
    any_method = methods.get(ANY)
    if any_method is not None:
        for method in methods:
            methods[method] = {**any_method, **methods[method]}
    if b"GET" in methods:
        methods[b"HEAD"] = {**methods[b"GET"], **_named(choices, b"HEAD")}
    return methods


def _named(choices: Sequence[Choice], method: bytes) -> dict[int | None, Route]:
    return {choice.version: choice.route for choice in choices if choice.method == method}


def walk(node: Node, segments: list[bytes], index: int, parameters: list[bytes]) -> Iterator[tuple[Node, list[bytes]]]:
    """Every node whose path fits, best first, with the values of its parameters."""
    if index == len(segments):
        if node.choices:
            yield node, parameters
        return
    segment = segments[index]
    child = node.children.get(segment)
    if child is not None:
        yield from walk(child, segments, index + 1, parameters)
    if node.parameter is not None and segment:
        yield from walk(node.parameter, segments, index + 1, [*parameters, segment])
    if node.rest is not None and node.rest.choices:
        yield node.rest, [*parameters, b"/".join(segments[index:])]


def first(node: Node, segments: list[bytes], index: int, parameters: list[bytes]) -> tuple[Node, list[bytes]] | None:
    """What ``walk`` yields first; apart from it, as a generator costs more than the rest of a look-up."""
    if index == len(segments):
        return (node, parameters) if node.choices else None
    segment = segments[index]
    child = node.children.get(segment)
    if child is not None:
        found = first(child, segments, index + 1, parameters)
        if found is not None:
            return found
    if node.parameter is not None and segment:
        found = first(node.parameter, segments, index + 1, [*parameters, segment])
        if found is not None:
            return found
    if node.rest is not None and node.rest.choices:
        return node.rest, [*parameters, b"/".join(segments[index:])]
    return None
