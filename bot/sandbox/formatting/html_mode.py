"""parse_mode=HTML: a small, strict subset with four named character references."""

import html
import re
from dataclasses import dataclass, field

from bot.sandbox.formatting.units import Entity, ParseError, byte_offset, in_order, utf16_length

KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "blockquote": "blockquote",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
TAG = re.compile(
    r"<(/?)([a-zA-Z][a-zA-Z-]*)((?:\s+[\w-]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[\w.-]+))?)*)\s*>"
)
ATTRIBUTE = re.compile(r"([\w-]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[\w.-]+))?")
REFERENCE = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|lt|gt|amp|quot);")


@dataclass(slots=True)
class OpenTag:
    name: str
    start: int
    attributes: dict[str, str]


@dataclass(slots=True)
class Parsing:
    source: str
    text: str = ""
    entities: list[Entity] = field(default_factory=list)
    stack: list[OpenTag] = field(default_factory=list)


def parse_html(source: str) -> tuple[str, list[Entity]]:
    state = Parsing(source)
    at = 0
    while at < len(source):
        if source[at] == "<":
            at = _tag(state, at)
        elif source[at] == "&" and (reference := REFERENCE.match(source, at)):
            state.text += html.unescape(reference[0])
            at = reference.end()
        else:
            state.text += source[at]
            at += 1
    if state.stack:
        name = state.stack[-1].name
        raise ParseError(f'Can\'t find end tag corresponding to start tag "{name}"')
    for entity in state.entities:
        if entity["type"] == "code":  # only pre carries a language
            entity.pop("language", None)
    return state.text, in_order(state.entities)


def _tag(state: Parsing, at: int) -> int:
    """Opens or closes the tag at `at`; returns where the text goes on."""
    match = TAG.match(state.source, at)
    offset = byte_offset(state.source, at)
    name = match[2].lower() if match else re.split(r"[\s>]", state.source[at + 1 :], maxsplit=1)[0]
    if match is None or name not in KINDS:
        raise ParseError(f'Unsupported start tag "{name[:20]}" at byte offset {offset}')
    if match[1]:
        _close(state, name, offset)
        return match.end()
    attributes = {
        key: REFERENCE.sub(lambda m: html.unescape(m[0]), value.strip("\"'"))
        for key, value in ATTRIBUTE.findall(match[3])
    }
    if name == "span" and attributes.get("class") != "tg-spoiler":
        raise ParseError(f'Tag "span" must have class "tg-spoiler" at byte offset {offset}')
    state.stack.append(OpenTag(name, utf16_length(state.text), attributes))
    return match.end()


def _close(state: Parsing, name: str, offset: int) -> None:
    if not state.stack:
        raise ParseError(f"Unexpected end tag at byte offset {offset}")
    tag = state.stack.pop()
    if tag.name != name:
        raise ParseError(
            f"Unmatched end tag at byte offset {offset}, "
            f'expected "</{tag.name}>", found "</{name}>"'
        )
    length = utf16_length(state.text) - tag.start
    if length:
        entity = {"type": KINDS[name], "offset": tag.start, "length": length}
        _refine(entity, tag, state.entities)
        state.entities.append(entity)


def _refine(entity: Entity, tag: OpenTag, entities: list[Entity]) -> None:
    attributes = tag.attributes
    if tag.name == "a":
        entity["url"] = attributes.get("href", "")
    elif tag.name == "blockquote" and "expandable" in attributes:
        entity["type"] = "expandable_blockquote"
    elif tag.name == "tg-emoji":
        entity["custom_emoji_id"] = attributes.get("emoji-id", "")
    elif tag.name == "tg-time":
        entity["unix_time"] = int(attributes.get("unix", "0"))
        if "format" in attributes:
            entity["date_time_format"] = attributes["format"]
    elif tag.name == "code" and attributes.get("class", "").startswith("language-"):
        entity["language"] = attributes["class"].removeprefix("language-")
    elif tag.name == "pre" and entities and _spans_same(entities[-1], entity, "code"):
        inner = entities.pop()
        if "language" in inner:
            entity["language"] = inner["language"]


def _spans_same(inner: Entity, outer: Entity, kind: str) -> bool:
    return inner["type"] == kind and all(inner[k] == outer[k] for k in ("offset", "length"))
