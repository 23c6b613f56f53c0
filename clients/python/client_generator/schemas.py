"""The schemas of one document as Python types."""

from __future__ import annotations

import re
from typing import Any

from client_generator.documents import Drift

_ENDINGS = re.compile(r"(Document|View|Body|Out|V1)(?=V\d+$|$)")
_PAGE = re.compile(r"^Page_(\w+)_$")
_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict[str, Any]",
}
_FORMATS = {"date-time": "datetime", "uuid": "UUID"}
_MONEY = r"^\d{1,10}(\.\d{1,2})?$"

Schema = dict[str, Any]


class Schemas:
    """The schemas of a service's document, by their names in it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.by_name: dict[str, Schema] = document["components"]["schemas"]

    @staticmethod
    def python_name(name: str) -> str:
        """The name of the type: without what says that it is a document, which it always is."""
        page = _PAGE.match(name)
        return f"Page[{_ENDINGS.sub('', page[1])}]" if page else _ENDINGS.sub("", name)

    def target(self, schema: Schema) -> str | None:
        """The name of the schema that this one refers to."""
        return schema["$ref"].rpartition("/")[2] if "$ref" in schema else None

    def insist_on_own_names(self, names: set[str]) -> None:
        """Drift when two of these would be one type."""
        taken: dict[str, str] = {}
        for name in sorted(names):
            if (other := taken.setdefault(self.python_name(name), name)) != name:
                raise Drift(f"{name} and {other} would both be {self.python_name(name)}")

    def fields(self, name: str) -> dict[str, Schema]:
        """The properties of an object."""
        return self.by_name[name].get("properties", {})

    def required(self, name: str) -> set[str]:
        """Those of them that are always there."""
        return set(self.by_name[name].get("required", []))

    def reachable(self, names: list[str]) -> set[str]:
        """These schemas and all that they are made of."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += re.findall(r"#/components/schemas/(\w+)", str(self.by_name[name]))
        return found

    def python_type(self, schema: Schema, *, sent: bool) -> str:
        """The type of a value: of one that is ``sent``, or of one that comes."""
        if (name := self.target(schema)) is not None:
            return self._named(name, sent=sent)
        if "anyOf" in schema:
            return " | ".join(dict.fromkeys(self.python_type(one, sent=sent) for one in schema["anyOf"]))
        if schema.get("type") == "array":
            return f"{'Sequence' if sent else 'list'}[{self.python_type(schema['items'], sent=sent)}]"
        return _plain(schema, sent=sent)

    def _named(self, name: str, *, sent: bool) -> str:
        # A value that a later version of the API adds must not break this one.
        open_ended = "enum" in self.by_name[name] and not sent
        kind = "int" if self.by_name[name].get("type") == "integer" else "str"
        return f"{self.python_name(name)} | {kind}" if open_ended else self.python_name(name)


def _plain(schema: Schema, *, sent: bool) -> str:
    if "enum" in schema:
        return f"Literal{schema['enum']}".replace("'", '"')
    if schema.get("pattern") == _MONEY:
        return "Decimal | str" if sent else "Decimal"
    return _FORMATS.get(schema.get("format", ""), _TYPES.get(schema.get("type", ""), "Any"))
