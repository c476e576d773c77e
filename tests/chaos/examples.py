"""Something that fits a schema of the API's document, as simple as it gets."""

from typing import Any

#: Stands for whatever a path names: a person's number, an idea's id.
SOME_ID = "00000000-0000-0000-0000-000000000001"


def example(schema: dict[str, Any], shapes: dict[str, Any]) -> Any:
    """Something of a schema, as simple as it gets."""
    while "$ref" in schema:
        schema = shapes[schema["$ref"].rpartition("/")[2]]
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    if "enum" in schema:
        return schema["enum"][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return example(schema[name][0], shapes)
    kind = schema.get("type", "string")
    if kind == "object":
        wanted = schema.get("required", ())
        return {name: example(schema["properties"][name], shapes) for name in wanted}
    made = {"array": [], "boolean": True, "null": None, "string": "EURUSD"}
    return made[kind] if kind in made else schema.get("minimum", 1)


def filled(path: str) -> str:
    """A path with an id in each of its places."""
    parts = path.replace("{", "\0{").replace("}", "}\0").split("\0")
    return "".join(SOME_ID if part.startswith("{") else part for part in parts)
