"""Makes schema.json, the rules of the Bot API, from the schema file in aiogram's source (MIT).

The rules stand in prose ("1-64 bytes", "must be one of 'danger', 'success'"); this script reads
them once, and the sandbox carries only what validation needs. Run it for a new version of the API:

    pip download --no-deps --no-binary :all: aiogram==3.31.0
    python -m bot.sandbox.compile_schema aiogram-3.31.0.tar.gz
"""

import json
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]

TARGET = Path(__file__).with_name("schema.json")
MEMBER = ".butcher/schema/schema.json"

LENGTH = re.compile(r"(\d+)(?:\s*-\s*|\s+to\s+)(\d+)\s+(characters|bytes)")
RANGE = re.compile(
    r"(?:[Vv]alues between|must be between|should be between)\s+(\d+)\s*(?:-|and)\s*(\d+)"
)
CONST = re.compile(r"(?:must be ([a-z_]+)|, always '([a-z_]+)')$")
ONE_OF = re.compile(r"Must be one of ((?:'[^']+'(?: \([^)]*\))?(?:, | or |,? and )?)+)")
ITEMS = re.compile(r"(?:must include|list of) (\d+)-(\d+)|At most (\d+) \w+ can be specified")
SUBTYPES = re.compile(r"^\s*-\s*([A-Z]\w+)\s*$", re.MULTILINE)
SENTENCE = re.compile(r"[^.]*\b(?:[Rr]eturns?|returned)\b[^.]*\.")
# Each says which type the sentence about the result names; the first that matches wins.
RETURNS = (
    (re.compile(r"[Aa]rray of ([A-Z]\w+)"), True),
    (re.compile(r"(?:the|edited|sent) (Message)(?: that was sent)? is returned"), False),
    (re.compile(r"the (?:stopped|uploaded|sent) ([A-Z]\w+)(?: is returned)?"), False),
    (re.compile(r"(?:as|form of) (?:an? )?(String|[A-Z]\w+)"), False),
    (
        re.compile(r"(?:a|an|the) ([A-Z]\w+)(?: object)?(?: of the sent message)? (?:is|on|obj)"),
        False,
    ),
    (re.compile(r"(?:Returns|returns) (?:a |an |the )?([A-Z]\w+)"), False),
    (re.compile(r"(True) is returned"), False),
    (re.compile(r"Returns .*? as ([A-Z]\w+)"), False),
    (re.compile(r"a ([A-Z]\w+) object"), False),
)


def read_sdist(archive: Path) -> Json:
    with tarfile.open(archive) as tar:
        member = next(m for m in tar.getmembers() if m.name.endswith(MEMBER))
        stream = tar.extractfile(member)
        if stream is None:
            raise FileNotFoundError(MEMBER)
        document: Json = json.load(stream)
        return document


def type_of(prose: str) -> Any:
    """An array becomes {"of": "X"}, alternatives become ["A", "B"], a name stays a name."""
    prose = prose.strip()
    if prose.startswith("Array of "):
        return {"of": type_of(prose[9:].replace(" and ", " or "))}
    names = [name for name in re.split(r" or |, ", prose) if name]
    return names if len(names) > 1 else prose


def field_of(annotation: Json) -> Json:
    prose: str = annotation["description"]
    field: Json = {"type": type_of(annotation["type"])}
    if annotation.get("required"):
        field["required"] = True
    # "after entities parsing" cannot be counted here: the methods do, when they have parsed.
    if (m := LENGTH.search(prose)) and "after entit" not in prose:
        field["length"] = [int(m[1]), int(m[2]), m[3]]
    if m := RANGE.search(prose):
        field["range"] = [int(m[1]), int(m[2])]
    if m := CONST.search(prose.strip().rstrip(".")):
        field["enum"] = [m[1] or m[2]]
    if m := ONE_OF.search(prose):
        field["enum"] = re.findall(r"'([^']+)'", m[1])
    if m := ITEMS.search(prose):
        field["items"] = [int(m[1] or 0), int(m[2] or m[3])]
    return field


def returns_of(prose: str, known: set[str]) -> Any:
    """What the method answers; "otherwise True is returned" makes it a union."""
    said = " ".join(SENTENCE.findall(prose))
    for pattern, many in RETURNS:
        found = [m[1] for m in pattern.finditer(said) if m[1] in known]
        if found:
            kind: Any = {"of": found[0]} if many else found[0]
            return [kind, "True"] if "otherwise True" in said else kind
    raise ValueError(f"cannot tell what is returned: {said!r}")


def entries(document: Json) -> Iterator[Json]:
    for group in document["items"]:
        yield from group["children"]


def compile_schema(document: Json) -> Json:
    known = {entry["name"] for entry in entries(document)} | {"True", "String", "Integer"}
    methods: Json = {}
    types: Json = {}
    unions: Json = {}
    for entry in entries(document):
        name, prose = entry["name"], entry["description"]
        fields = {a["name"]: field_of(a) for a in entry.get("annotations", [])}
        subtypes = SUBTYPES.findall(prose)
        if name[0].islower():
            methods[name] = {"fields": fields, "returns": returns_of(prose, known)}
        elif subtypes and not fields:
            unions[name] = subtypes
        else:
            types[name] = fields
    # Rich text nests in itself; its page says so in words.
    unions["RichText"] = [*unions["RichText"], "String", {"of": "RichText"}]
    version = document["api"]["version"]
    return {"version": version, "methods": methods, "types": types, "unions": unions}


def render(schema: Json) -> str:
    """One line for each method and type: small, and a new version makes a readable diff."""

    def block(name: str) -> str:
        lines = (
            f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}"
            for key, value in sorted(schema[name].items())
        )
        return f'"{name}":{{\n' + ",\n".join(lines) + "\n}"

    version = json.dumps(schema["version"])
    return (
        f'{{"version":{version},\n' + ",\n".join(map(block, ("methods", "types", "unions"))) + "}\n"
    )


def main(archive: str) -> None:
    TARGET.write_text(render(compile_schema(read_sdist(Path(archive)))), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
