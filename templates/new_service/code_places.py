"""Where code and its tests name the services: packages, routes, scopes, who may do what."""

from new_service.insertions import Insertion, after, at_end, before, into_list
from new_service.names import CLIENT_METHODS, Naming


def code_places(naming: Naming) -> list[Insertion]:
    """What is inserted for this service."""
    name, item = naming.name, naming.item
    quoted = f'"{name}"'
    pyproject = "pyproject.toml"
    right_bodies = "tests/security/right_bodies.py"
    return [
        Insertion(pyproject, "the package as a member", before("local-stack = ", f"{name} = {{ workspace = true }}\n")),
        Insertion(pyproject, "the package as ours", into_list("^known-first-party = ", quoted)),
        Insertion(pyproject, "the package as a root of imports", into_list("^root_packages = ", quoted)),
        Insertion(pyproject, "the wall between services", into_list("^modules = ", quoted)),
        Insertion(
            pyproject,
            "the wall of shared",
            into_list(_SHARED_WALL, quoted),
        ),
        Insertion(pyproject, "the wall of the domain", into_list(_DOMAIN_WALL, f'"{name}.domain"')),
        Insertion(_ROUTES, "the upstream", before(r"\[limits\.default\]", _upstream(naming))),
        Insertion(_ROUTES, "the routes", at_end(_routes(naming))),
        Insertion(_SCOPES, "the scopes", before(r"\)$", f'    "{name}:read",\n    "{name}:write",\n')),
        Insertion(_WORDS, "the scopes in words", before('    "admin": ', _words(name))),
        Insertion("tests/security/access_matrix.txt", "who may do what", at_end(_matrix(naming))),
        Insertion(right_bodies, "right bodies", before(r"}$", _bodies(naming))),
        Insertion("tests/security/belongings.py", "one of a person's", before("    def _key_id", _belonging(naming))),
        Insertion("README.md", "a row of the map", after(r"\| \[`services/.*", _map_row(naming))),
        Insertion(
            _GUIDE,
            "what is not there",
            after(r"\| 404 \|.*", f"| 404 | `{item}_not_found` | there is no such {item} |\n"),
        ),
        Insertion(
            _GUIDE,
            "what is too many",
            after(r"\| 409 \|.*", f"| 409 | `too_many_{name}` | as many as one may have |\n"),
        ),
        Insertion("docs/settings.md", "its settings", before("## Mail", _settings(name, item))),
        Insertion(CLIENT_METHODS, "the client's methods", before(r"\[left_out\]", _methods(naming))),
    ]


_SHARED_WALL = r'^forbidden_modules = (?=.*"gateway")'
_DOMAIN_WALL = r'^source_modules = (?=.*\.domain")'
_GUIDE = "docs/api-guide.md"
_ROUTES = "gateway/src/gateway/routes.toml"
_SCOPES = "services/users/src/users/domain/scopes.py"
_WORDS = "services/users/src/users/oauth/scope_words.py"


def _upstream(naming: Naming) -> str:
    return f"""[upstreams.{naming.name}]
url = "${{{naming.name.upper()}_URL:-http://127.0.0.1:{naming.port}}}"
openapi = "/openapi.json"
concurrency = {{ initial = 200, least = 80 }}

"""


def _routes(naming: Naming) -> str:
    name = naming.name
    rows = [
        (f"/api/{name}", "GET", "read"),
        (f"/api/{name}", "POST", "write"),
        (f"/api/{name}/{{id}}", "GET", "read"),
        (f"/api/{name}/{{id}}", "PATCH", "write"),
        (f"/api/{name}/{{id}}", "DELETE", "write"),
    ]
    routes = "".join(
        f'\n[[routes]]\npath = "{path}"\nmethods = ["{method}"]\nupstream = "{name}"\nscopes = ["{name}:{scope}"]\n'
        for path, method, scope in rows
    )
    return f"\n# {name}\n{routes}"


def _words(name: str) -> str:
    return f'    "{name}:read": "see your {name}",\n    "{name}:write": "add, change and delete {name} for you",\n'


def _matrix(naming: Naming) -> str:
    one = f"/{naming.name}/{{{naming.item}_id}}"
    rows = [
        ("GET", f"/{naming.name}", "401   200   -     200   403   403   200   403"),
        ("POST", f"/{naming.name}", "401   201   -     201   403   403   403   403"),
        ("GET", one, "401   200   404   200   403   403   200   403"),
        ("PATCH", one, "401   200   404   200   403   403   403   403"),
        ("DELETE", one, "401   204   404   204   403   403   403   403"),
    ]
    return "\n" + "".join(f"{method:<6} {path:<46} {statuses}\n" for method, path, statuses in rows)


def _bodies(naming: Naming) -> str:
    return (
        f'    "POST /{naming.name}": lambda _: _json({{"title": "Matrix"}}),\n'
        f'    "PATCH /{naming.name}/{{{naming.item}_id}}": lambda _: _json({{"note": "matrix"}}),\n'
    )


def _belonging(naming: Naming) -> str:
    return f"""    def _{naming.item}_id(self) -> int:
        return self._post("/{naming.name}", {{"title": "Matrix"}})["id"]

"""


def _map_row(naming: Naming) -> str:
    return f"| [`services/{naming.name}/`](services/{naming.name}/README.md) | {naming.name} of users |\n"


def _settings(name: str, item: str) -> str:
    return f"""## {name.title()}

| variable | by Compose | default | what |
| --- | --- | --- | --- |
| `{name.upper()}_LIMIT` | yes | 1000 | how many one user may have, then 409 `too_many_{name}`; each is one {item} |

"""


def _methods(naming: Naming) -> str:
    name, item = naming.name, naming.item
    operations = {
        "list": f"list_{name}",
        "create": f"add_{item}",
        "get": f"read_{item}",
        "change": f"change_{item}",
        "delete": f"delete_{item}",
    }
    return f"[{name}]\n" + "".join(f'{method} = "{one}"\n' for method, one in operations.items()) + "\n"
