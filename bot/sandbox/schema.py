"""Checks requests, updates and answers against the Bot API 10.3 (schema.json).

The rules come from the schema file in aiogram's source distribution (MIT), see compile_schema.py.
"""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SCHEMA_FILE = Path(__file__).with_name("schema.json")
SCALARS = {"String", "Integer", "Float", "Boolean", "True", "InputFile"}
TRUE_WORDS = ("true", "yes", "1")
FALSE_WORDS = ("false", "no", "0")


class Schema:
    """Every method and type of the API; problems are returned as sentences, never raised."""

    def __init__(self, document: Json) -> None:
        self.version: str = document["version"]
        self.types: dict[str, Json] = document["types"]
        self.unions: dict[str, list[Any]] = document["unions"]
        self._methods = {name.lower(): (name, spec) for name, spec in document["methods"].items()}

    def method_name(self, method: str) -> str | None:
        """The name as the documentation spells it: the server does not mind the case."""
        found = self._methods.get(method.lower())
        return found[0] if found else None

    def decode(self, method: str, raw: Json, files: Iterable[str]) -> tuple[Json, list[str]]:
        """Turns what came over the wire (mostly strings) into typed values, and checks them."""
        name, spec = self._methods[method.lower()]
        fields: dict[str, Json] = spec["fields"]
        values: Json = {}
        errors: list[str] = []
        for key, value in raw.items():
            path = f"{name}.{key}"
            if key not in fields:
                errors.append(f"{path}: unknown parameter")
            elif isinstance(value, str):
                values[key] = self._from_text(fields[key]["type"], value, path, errors)
            elif value is not None:
                values[key] = value
        for key in files:
            if key in fields:
                values.setdefault(key, f"attach://{key}")
        self._check_fields(fields, values, name, errors)
        return values, errors

    def check_result(self, method: str, result: Any) -> list[str]:
        name, spec = self._methods[method.lower()]
        return self.check(spec["returns"], result, name)

    def check(self, kind: Any, value: Any, path: str) -> list[str]:
        errors: list[str] = []
        self._check_type(kind, value, path, errors)
        return errors

    def _check_type(self, kind: Any, value: Any, path: str, errors: list[str]) -> None:
        if isinstance(kind, dict):
            self._check_array(kind["of"], value, path, errors)
        elif isinstance(kind, list):
            self._check_union(kind, value, path, errors)
        elif kind in SCALARS:
            if not _is_scalar(kind, value):
                errors.append(f"{path}: {kind} expected, got {value!r:.60}")
        elif kind in self.unions:
            self._check_union(self.unions[kind], value, path, errors)
        elif not isinstance(value, dict):
            errors.append(f"{path}: {kind} expected, got {type(value).__name__}")
        else:
            self._check_fields(self.types[kind], value, f"{path}<{kind}>", errors)

    def _check_array(self, kind: Any, value: Any, path: str, errors: list[str]) -> None:
        if not isinstance(value, list):
            errors.append(f"{path}: Array expected, got {type(value).__name__}")
            return
        for index, item in enumerate(value):
            self._check_type(kind, item, f"{path}[{index}]", errors)

    def _check_union(self, kinds: list[Any], value: Any, path: str, errors: list[str]) -> None:
        """The alternative with the fewest complaints is most likely the one that was meant."""
        complaints: list[list[str]] = []
        for kind in kinds:
            found = self.check(kind, value, path)
            if not found:
                return
            complaints.append(found)
        fewest = min(complaints, key=len)
        errors += fewest

    def _check_fields(
        self, fields: dict[str, Json], value: Json, path: str, errors: list[str]
    ) -> None:
        for key, field in fields.items():
            if key in value:
                self._check_type(field["type"], value[key], f"{path}.{key}", errors)
                errors += _broken_rules(field, value[key], f"{path}.{key}")
            elif field.get("required"):
                errors.append(f"{path}.{key}: required")
        errors += [f"{path}.{key}: unknown field" for key in value if key not in fields]

    def _from_text(self, kind: Any, text: str, path: str, errors: list[str]) -> Any:
        names = kind if isinstance(kind, list) else [kind]
        if not all(isinstance(name, str) and name in SCALARS for name in names):
            return self._from_json(names, text, path, errors)
        if "Integer" in names and re.fullmatch(r"-?\d+", text):
            return int(text)
        if "Float" in names and re.fullmatch(r"-?\d+(\.\d+)?", text):
            return float(text)
        if names[0] in ("Boolean", "True") and text.lower() in TRUE_WORDS + FALSE_WORDS:
            return text.lower() in TRUE_WORDS
        return text

    def _from_json(self, names: list[Any], text: str, path: str, errors: list[str]) -> Any:
        if "String" in names and not text.lstrip().startswith(("{", "[")):
            return text
        try:
            return json.loads(text)
        except ValueError:
            errors.append(f"{path}: not JSON: {text!r:.60}")
            return text


def _is_scalar(kind: str, value: Any) -> bool:
    if kind in ("String", "InputFile"):
        return isinstance(value, str)
    if kind == "Boolean":
        return isinstance(value, bool)
    if kind == "True":
        return value is True
    numbers = (int,) if kind == "Integer" else (int, float)
    return isinstance(value, numbers) and not isinstance(value, bool)


def _broken_rules(field: Json, value: Any, path: str) -> list[str]:
    if isinstance(value, str):
        return _broken_text_rules(field, value, path)
    if isinstance(value, int) and "range" in field:
        low, high = field["range"]
        return [] if low <= value <= high else [f"{path}: {value}, allowed {low}-{high}"]
    if isinstance(value, list) and "items" in field:
        low, high = field["items"]
        return [] if low <= len(value) <= high else [f"{path}: {len(value)} items, {low}-{high}"]
    return []


def _broken_text_rules(field: Json, value: str, path: str) -> list[str]:
    if "length" in field:
        low, high, unit = field["length"]
        size = len(value.encode()) if unit == "bytes" else len(value)
        if not low <= size <= high:
            return [f"{path}: {size} {unit}, allowed {low}-{high}"]
    if "enum" in field and value not in field["enum"]:
        return [f"{path}: must be one of {field['enum']}"]
    return []


@lru_cache(maxsize=1)
def load_schema() -> Schema:
    return Schema(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
