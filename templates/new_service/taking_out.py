"""Ways to take out of a text what belongs to one service: by its form, so that what was changed since goes as well."""

import ast
import re
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import TypeAlias

Cut: TypeAlias = Callable[[str], str]
"""The text without it; the same text when nothing of it is there."""

_ROUTE = re.compile(r"(?ms)^(?:#[^\n]*\n)*\[\[routes\]\]\n.*?(?=^(?:#[^\n]*\n)*\[\[|^# \w+(?:: [^\n]*)?\n\n|\Z)")


def lines(pattern: str) -> Cut:
    """Without the lines that are the pattern."""
    return lambda text: re.sub(rf"^(?:{pattern})\n", "", text, flags=re.MULTILINE)


def words(pattern: str) -> Cut:
    """Without the pattern, wherever it stands."""
    return lambda text: re.sub(pattern, "", text)


def list_items(*items: str) -> Cut:
    """Without these items of lists ``[a, b]`` in one line."""

    def cut(text: str) -> str:
        for item in map(re.escape, items):
            text = re.sub(rf"(?<=\[){item}, |, {item}(?=[\],])|(?<=\[){item}(?=\])", "", text)
        return text

    return cut


def blocks(header: str) -> Cut:
    """Without the lines that are the pattern, what is indented deeper below each, and the empty lines after it."""

    def cut(text: str) -> str:
        kept: list[str] = []
        depth = -1
        for line in text.splitlines(keepends=True):
            indent = len(line) - len(line.lstrip(" "))
            if re.fullmatch(header, line.rstrip("\n")):
                depth = indent
            elif line.strip() and indent <= depth:
                depth = -1
            if depth < 0:
                kept.append(line)
        return "".join(kept)

    return cut


def section(heading: str) -> Cut:
    """Without the section of Markdown, or the table of TOML, that the pattern begins."""
    return lambda text: re.sub(rf"(?ms)^{heading}\n.*?(?=^## |^\[|\Z)", "", text)


def routes_to(upstream: str) -> Cut:
    """Without an upstream, its routes with their comments, and the comment that heads them."""

    def cut(text: str) -> str:
        def kept(found: re.Match[str]) -> str:
            return "" if f'\nupstream = "{upstream}"\n' in found[0] else found[0]

        text = section(rf"\[upstreams\.{upstream}(?:\.\w+)*\]")(_ROUTE.sub(kept, text))
        return re.sub(rf"^# {upstream}(?:: [^\n]*)?\n\n", "", text, flags=re.MULTILINE).rstrip("\n") + "\n"

    return cut


def paths_of(text: str, upstream: str) -> set[tuple[str, str]]:
    """Method and path of the routes to an upstream in routes.toml, without /api and the names of parameters."""
    return {
        (method, shape(path.removeprefix("/api")))
        for block in _ROUTE.findall(text)
        if f'\nupstream = "{upstream}"\n' in block
        for path in re.findall(r'^path = "([^"]+)"', block, re.MULTILINE)
        for methods in re.findall(r"^methods = \[([^\]]*)\]", block, re.MULTILINE)
        for method in re.findall(r'"(\w+)"', methods)
    }


def shape(path: str) -> str:
    """A path whose parameters have no names."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def rows(gone: AbstractSet[tuple[str, str]]) -> Cut:
    """Without the matrix's rows of these methods and paths, and without the empty line of a group that is gone."""

    def cut(text: str) -> str:
        groups = text.rstrip("\n").split("\n\n")
        kept = ["\n".join(line for line in group.split("\n") if not _is_of(line, gone)) for group in groups]
        return "\n\n".join(group for group in kept if group) + "\n"

    return cut


def _is_of(line: str, gone: AbstractSet[tuple[str, str]]) -> bool:
    cells = line.split()
    return len(cells) > 1 and (cells[0], shape(cells[1])) in gone


def dictionary_entries(is_gone: Callable[[str], bool]) -> Cut:
    """Without the entries of a Python module's dictionaries whose key is gone; each has lines of its own."""

    def cut(text: str) -> str:
        found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Dict)]
        gone = [
            (key.lineno, value.end_lineno or value.lineno)
            for node in found
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and is_gone(key.value)
        ]
        return _without_lines(text, gone)

    return cut


def functions(names: AbstractSet[str]) -> Cut:
    """Without these functions and methods of a Python module, and the empty lines after each."""

    def cut(text: str) -> str:
        source = text.splitlines()
        gone: list[tuple[int, int]] = []
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in names:
                last = node.end_lineno or node.lineno
                while last < len(source) and not source[last].strip():
                    last += 1
                gone.append((min([node.lineno, *(one.lineno for one in node.decorator_list)]), last))
        return _without_lines(text, gone)

    return cut


def _without_lines(text: str, gone: Iterable[tuple[int, int]]) -> str:
    numbers = {number for first, last in gone for number in range(first, last + 1)}
    source = text.splitlines(keepends=True)
    return "".join(line for number, line in enumerate(source, start=1) if number not in numbers)
