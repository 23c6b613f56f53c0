"""ReDoS (CWE-1333): no pattern of ours takes more than its input's length in turn, whatever is thrown at it.

The patterns are found in the tree itself; ``hostile_texts.py`` measures each, in CPU time and against itself.
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hostile_texts
import pytest

ROOT = Path(__file__).parents[2]
METHODS = frozenset({"match", "fullmatch", "search", "sub", "subn", "findall", "finditer", "split"})
# Made of the operator's own pattern for API keys, which is no client's to choose.
OPERATORS_OWN = {"gateway/src/gateway/identity/api_keys.py", "gateway/src/gateway/routes/model/api_keys.py"}


@dataclass(frozen=True)
class Found:
    """A pattern, and how the code asks it."""

    text: str | bytes
    flags: int
    methods: tuple[str, ...]


def sources() -> Iterator[Path]:
    for folder in ("gateway/src", "shared/src", "services"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "tests" not in path.relative_to(ROOT).parts:
                yield path


def literal(node: ast.expr) -> str | bytes | None:
    """The pattern as it stands there; a number that is formatted into it is taken for a large one."""
    match node:
        case ast.Constant(value=str() | bytes() as text):
            return text
        case ast.BinOp(left=ast.Constant(value=str() | bytes() as text), op=ast.Mod()):
            return text.replace("%d", "8191") if isinstance(text, str) else text.replace(b"%d", b"8191")
        case _:
            return None


def in_file(path: Path) -> Iterator[tuple[str, Found | None]]:
    """Each pattern of one file by where it stands; None where it cannot be read there."""
    tree = ast.parse(path.read_text())
    named = {node.value: node.targets[0].id for node in ast.walk(tree) if isinstance(node, ast.Assign)
             and isinstance(node.targets[0], ast.Name)}  # fmt: skip
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=function), args=[first, *_]):
                if function not in METHODS | {"compile"}:
                    continue
                flags = sum(getattr(re, each.attr) for given in node.args[1:] for each in ast.walk(given)
                            if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name)
                            and each.value.id == "re")  # fmt: skip
                asked = {function} if function in METHODS else asked_by(tree, named.get(node))
                text = literal(first)
                name = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield name, None if text is None else Found(text, flags, tuple(sorted(asked)))
            case _:
                pass


def asked_by(tree: ast.Module, name: str | None) -> set[str]:
    """The methods that a file calls on its pattern of this name; all that begin a search where it calls none."""
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    }
    return used & METHODS or {"fullmatch", "match", "search"}


ALL = {name: found for path in sources() for name, found in in_file(path)}
FOUND = {name: found for name, found in ALL.items() if found}


def measured(found: Found) -> str:
    """What grows out of turn, in words: nothing where nothing does."""
    text = found.text.decode("latin-1") if isinstance(found.text, bytes) else found.text
    given = {"text": text, "bytes": isinstance(found.text, bytes), "flags": found.flags, "methods": found.methods}
    command = [sys.executable, "-I", hostile_texts.__file__]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False)
    if done.returncode < 0:
        return f"did not end within {hostile_texts.LIMIT_SECONDS} s of CPU time"
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_patterns_are_found():
    assert len(FOUND) > 60
    assert any("credentials" in name for name in FOUND)
    assert {name.partition(":")[0] for name, found in ALL.items() if found is None} == OPERATORS_OWN


def test_no_document_asks_for_an_engine_that_turns_back():
    """``pattern=`` of pydantic is matched by Rust's engine, in linear time, unless a model says otherwise."""
    assert not [path for path in sources() if "regex_engine" in path.read_text()]


@pytest.mark.parametrize("name", FOUND)
def test_no_pattern_takes_more_than_its_turn(name: str):
    assert not measured(FOUND[name]), FOUND[name]


@pytest.mark.parametrize(
    ("bad", "method"),
    [("(a+)+!", "match"), ("(a|a)*:", "fullmatch"), ("a+a+:", "match"), ("a+:", "search"), (r"\s+$", "sub")],
)
def test_the_measure_sees_a_bad_pattern(bad: str, method: str):
    assert measured(Found(bad, 0, (method,)))
