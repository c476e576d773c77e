"""What the server does to every text: trims it and marks commands, mentions, links and tags."""

import re

from bot.sandbox.formatting.units import Entity, in_order, utf16_length

PATTERNS = {
    "bot_command": re.compile(r"(?<![\w/])/[a-zA-Z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])"),
    "mention": re.compile(r"(?<!\w)@[a-zA-Z]\w{3,31}"),
    "url": re.compile(r"https?://[^\s<>\"]*[^\s<>\".,!?;:)]"),
    "hashtag": re.compile(r"(?<!\w)#\w*[^\W\d]\w*"),
    "cashtag": re.compile(r"(?<![\w$])\$[A-Z]{1,8}(?![A-Za-z0-9])"),
}
# Inside of these nothing is looked for.
OPAQUE = ("code", "pre", "text_link", "url")


def finish(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    trimmed, kept = _trim(text, entities)
    for kind, pattern in PATTERNS.items():
        for match in pattern.finditer(trimmed):
            offset = utf16_length(trimmed[: match.start()])
            if not any(_covers(entity, offset) for entity in kept):
                kept.append({"type": kind, "offset": offset, "length": utf16_length(match[0])})
    return trimmed, in_order(kept)


def _covers(entity: Entity, offset: int) -> bool:
    start: int = entity["offset"]
    return entity["type"] in OPAQUE and start <= offset < start + entity["length"]


def _trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """White space at both ends goes, and what was marked moves or shrinks with it."""
    right = text.rstrip()
    trimmed = right.lstrip()
    cut, size = utf16_length(right) - utf16_length(trimmed), utf16_length(trimmed)
    kept = []
    for entity in entities:
        start = max(0, entity["offset"] - cut)
        end = min(size, entity["offset"] + entity["length"] - cut)
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    return trimmed, kept
