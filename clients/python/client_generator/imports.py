"""The head of a module: the imports of what it names."""

from __future__ import annotations

import re

_KNOWN = {
    "collections.abc": ("AsyncIterator", "Iterator", "Sequence"),
    "datetime": ("datetime",),
    "decimal": ("Decimal",),
    "pathlib": ("Path",),
    "typing": ("Any", "Literal", "NotRequired", "TypeAlias", "TypedDict"),
    "uuid": ("UUID",),
    "gatehouse_client.asynchronous": ("AsyncCaller", "AsyncPages"),
    "gatehouse_client.blocking": ("Caller", "Pages"),
    "gatehouse_client.call": ("Call", "Match", "Upload", "headers_of", "json_of", "path_of", "query_of"),
    "gatehouse_client.form": ("form_of",),
    "gatehouse_client.model": ("Model", "Page"),
    "gatehouse_client.server_events": ("Event",),
}


def with_imports(doc: str, source: str, models: dict[str, set[str]] | None = None) -> str:
    """The module; ``models`` are the names that each module of models has for it."""
    words = set(re.findall(r"\w+", re.sub(r'""".*?"""', "", source, flags=re.DOTALL)))
    known = {**_KNOWN, **{f"gatehouse_client.models.{name}": tuple(names) for name, names in (models or {}).items()}}
    lines = [f'"""{doc}"""', ""]
    for module, names in known.items():
        used = sorted(set(names) & words)
        if used:
            lines.append(f"from {module} import {', '.join(used)}")
    return "\n".join(lines) + "\n\n\n" + source
