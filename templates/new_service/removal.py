"""What names a service in the tree, and the tree's files without it: the way back of code_places and deploy_places."""

import json
import re
from functools import partial
from pathlib import Path

from new_service.errors import ScaffoldError
from new_service.names import CLIENT_METHODS
from new_service.taking_out import (
    Cut,
    blocks,
    dictionary_entries,
    functions,
    lines,
    list_items,
    paths_of,
    routes_to,
    rows,
    section,
    shape,
    words,
)

_ROUTES = "gateway/src/gateway/routes.toml"
_MATRIX = "tests/security/access_matrix.txt"
_VERSION = re.compile(r"_v\d+$")


def owned(name: str) -> list[str]:
    """Files and folders that are the service's alone."""
    return [f"services/{name}", f"deploy/kubernetes/base/{name}.yaml"]


def removable(root: Path, name: str) -> None:
    """Raise ScaffoldError for what is no service, or one that the others can't do without."""
    there = sorted(path.parent.name for path in root.glob("services/*/pyproject.toml"))
    if name not in there:
        raise ScaffoldError(f"NAME={name or '...'}: say which, of services/: {', '.join(there)}")
    if name == "users":
        raise ScaffoldError("NAME=users: it signs the tokens that all others take; no service runs without it")
    for document in sorted(root.glob("services/*/asyncapi.json")):
        other = document.parent.name
        heard = sorted(set(re.findall(rf'"({name}\.\w+\.v\d+)"', document.read_text())))
        if other != name and heard:
            raise ScaffoldError(f"NAME={name}: {other} hears {', '.join(heard)}; take {other} out first, or teach it")


def without(root: Path, name: str) -> dict[Path, str]:
    """The new text of each file that changes; nothing is written."""
    texts: dict[Path, str] = {}
    for file, cut in _cuts(root, name):
        path = root / file
        if path.exists():
            old = texts.get(path, path.read_text())
            texts[path] = cut(old)
    return {path: text for path, text in texts.items() if text != path.read_text()}


def _cuts(root: Path, name: str) -> list[tuple[str, Cut]]:
    upper = name.upper()
    compose, network = "docker-compose.yml", "deploy/kubernetes/base/network.yaml"
    both = f"{name}(?:-worker)?"
    kinds = "(?:owner_)?(?:password|database_url|redis_url|amqp_url)"
    address = lines(rf" +{upper}_URL: http://{name}:\d+")
    return [
        ("pyproject.toml", lines(rf"{name} = \{{ workspace = true \}}")),
        ("pyproject.toml", list_items(f'"{name}"', f'"{name}.domain"')),
        (_ROUTES, routes_to(name)),
        ("services/users/src/users/domain/scopes.py", lines(rf' +"{name}:\w+",')),
        ("services/users/src/users/oauth/scope_words.py", lines(rf' +"{name}:\w+": .*')),
        *_tests(root, name),
        ("README.md", lines(rf"\| \[`services/{name}/`\].*")),
        ("docs/api-guide.md", partial(_without_codes, _codes_of(root, name))),
        ("docs/settings.md", section(f"## {name.title()}")),
        (CLIENT_METHODS, partial(_without_methods, _operations_of(root, name))),
        (compose, blocks(rf"x-{name}-environment: .*|  {name}(?:-migrations|-worker)?:")),
        (compose, address),
        (compose, words(rf",?\b{name}-worker=http://{name}-worker:\d+/metrics")),
        (compose, list_items(f"{name}_password", f"{name}_owner_password")),
        (compose, lines(rf"  {name}_{kinds}: .*|  {name}: \{{\}}")),
        ("deploy/edge/compose.yml", lines(rf"  {both}: .*")),
        ("deploy/kubernetes/base/kustomization.yaml", list_items(f"{name}.yaml")),
        (network, list_items(name, f"{name}-worker")),
        ("deploy/kubernetes/base/settings.yaml", address),
        ("deploy/kubernetes/production/kustomization.yaml", lines(rf"  - \{{ name: gatehouse/{name}, .*")),
        ("deploy/kubernetes/README.md", lines(rf"\| `{name}`, `{name}-worker` \|.*|\| `{name}-owner` \|.*")),
        ("deploy/kubernetes/README.md", words(f", `{name}-owner`")),
        ("deploy/observability/prometheus.yml", blocks(f"  - job_name: {both}")),
        (".secrets.baseline", partial(_without_findings, f"services/{name}/")),
    ]


def _tests(root: Path, name: str) -> list[tuple[str, Cut]]:
    """Who may do what, with bodies and belongings that no row asks for any more."""
    gone = paths_of((root / _ROUTES).read_text(), name)
    matrix = (root / _MATRIX).read_text()
    kept = rows(gone)(matrix)
    parameters = set(re.findall(r"\{(\w+)\}", matrix)) - set(re.findall(r"\{(\w+)\}", kept))

    def is_gone(key: str) -> bool:
        method, _, path = key.partition(" ")
        return (method, shape(path)) in gone

    return [
        (_MATRIX, rows(gone)),
        ("tests/security/right_bodies.py", dictionary_entries(is_gone)),
        ("tests/security/belongings.py", functions({f"_{parameter}" for parameter in parameters})),
    ]


def _codes_of(root: Path, name: str) -> set[str]:
    """Words in quotes that stand in the service's code and in no other's: among them the codes of its errors."""
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for source in (root / "gateway/src", root / "shared/src", *root.glob("services/*/src")):
        for path in source.rglob("*.py"):
            found[source.parent.name == name] |= set(re.findall(r'"([a-z0-9_]+)"', path.read_text()))
    return found[True] - found[False]


def _without_codes(codes: set[str], text: str) -> str:
    return re.sub(
        r"^\| \d{3} \| `(\w+)` \|.*\n", lambda row: "" if row[1] in codes else row[0], text, flags=re.MULTILINE
    )


def _operations_of(root: Path, name: str) -> set[str]:
    path = root / "services" / name / "openapi.json"
    paths = json.loads(path.read_text())["paths"] if path.exists() else {}
    return {_VERSION.sub("", operation["operationId"]) for item in paths.values() for operation in item.values()}


def _without_methods(operations: set[str], text: str) -> str:
    def kept(found: re.Match[str]) -> str:
        return "" if found[1] in operations or found[2] in operations else found[0]

    text = re.sub(r'^(\w+) = (?:\{ operation = )?"(\w+)?.*\n', kept, text, flags=re.MULTILINE)
    return re.sub(r"^\[\w+\]\n+(?=\[|\Z)", "", text, flags=re.MULTILINE)


def _without_findings(folder: str, text: str) -> str:
    baseline = json.loads(text)
    found = {path: lines for path, lines in baseline["results"].items() if not path.startswith(folder)}
    if len(found) == len(baseline["results"]):
        return text
    return json.dumps({**baseline, "results": found}, indent=2) + "\n"
