"""docs/api-guide.md lists every code of an error with its status: those that stand in the code, and no others."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "api-guide.md").read_text()
SOURCES = [ROOT / "gateway" / "src", ROOT / "shared" / "src", *(ROOT / "services").glob("*/src")]
# The admin view is for people on call, `explain` for the command line.
NOT_FOR_CLIENTS = ("gateway/admin/", "gateway/cli_explain.py")
_CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@cache
def parsed() -> list[ast.Module]:
    return list(trees())


def trees() -> Iterator[ast.Module]:
    for source in SOURCES:
        for path in source.rglob("*.py"):
            if not any(part in path.as_posix() for part in NOT_FOR_CLIENTS):
                yield ast.parse(path.read_text())


def statuses() -> dict[str, int]:
    """Of each class of problem by its name: its own status, or that of the class it derives from."""
    own: dict[str, int] = {}
    bases: dict[str, str] = {}
    for tree in parsed():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef):
                continue
            bases[node.name] = next((base.id for base in node.bases if isinstance(base, ast.Name)), "")
            for line in node.body:
                target = line.target if isinstance(line, ast.AnnAssign) else None
                target = line.targets[0] if isinstance(line, ast.Assign) else target
                if isinstance(target, ast.Name) and target.id == "status":
                    value = getattr(line, "value", None)
                    if isinstance(value, ast.Attribute) and value.attr in HTTPStatus.__members__:
                        own[node.name] = HTTPStatus[value.attr].value
    found = dict(own)
    for name in bases:
        at = name
        while at in bases and at not in own:
            at = bases[at]
        if at in own:
            found[name] = own[at]
    return found


def text(node: ast.expr | None) -> str:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def codes() -> set[tuple[int, str]]:
    known, found = statuses(), set[tuple[int, str]]()
    for tree in parsed():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in known:
                found |= {
                    (known[node.name], text(call.args[0]))
                    for call in ast.walk(node)
                    if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__" and call.args
                }
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
                continue
            if node.func.id == "Refusal" and isinstance(node.args[0], ast.Constant):
                found.add((int(str(node.args[0].value)), text(node.args[1])))
            elif node.func.id in known:
                found.add((known[node.func.id], text(node.args[0])))
            elif node.func.id == "problem_response":
                status = ast.unparse(node.args[1]).removeprefix("HTTPStatus.")
                if status in HTTPStatus.__members__:
                    found.add((HTTPStatus[status].value, text(node.args[2])))
    return {(status, code) for status, code in found if code and status >= HTTPStatus.BAD_REQUEST}


def listed() -> set[tuple[int, str]]:
    return {(int(status), code) for status, code in re.findall(r"^\| (\d{3}) \| `(\w+)` \|", GUIDE, re.MULTILINE)}


def test_every_code_stands_in_the_guide_with_its_status():
    assert len(codes()) > 50
    assert listed() == codes()
