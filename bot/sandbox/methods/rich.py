"""Rich messages: blocks as a bot sends them, checked like the server and turned into what it shows.

Form and limits: https://core.telegram.org/bots/api#rich-messages (Bot API 10.3). Content written as
HTML or Markdown, media, maps and buttons within the text are not modelled.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.sandbox.errors import bad_request, not_implemented
from bot.sandbox.formatting import utf16_length

Json = dict[str, Any]

LONGEST = 32768
MOST_BLOCKS = 500
DEEPEST = 16
MOST_COLUMNS = 20
LARGEST_HEADING = 6
BULLET = "•"

# Blocks that hold others, and under which name.
NESTED = {"blockquote": "blocks", "details": "blocks", "list": "items"}
MODELLED = {
    "paragraph",
    "heading",
    "pre",
    "footer",
    "divider",
    "mathematical_expression",
    "anchor",
    "list",
    "blockquote",
    "expandable_blockquote",
    "pullquote",
    "table",
    "details",
    "thinking",
}


def rich_message_of(value: Json, *, draft: bool = False) -> Json:
    """What a message then holds; thoughts are shown in drafts only."""
    sources = sorted({"blocks", "html", "markdown"} & set(value))
    if len(sources) != 1:
        raise bad_request("exactly one of blocks, html and markdown must be specified")
    if sources != ["blocks"] or value.get("media"):
        raise not_implemented(f"{sources[0]} or media of InputRichMessage")
    measure = _Measure(draft=draft)
    blocks = [measure.block(block, 1) for block in value["blocks"]]
    if not measure.characters and not blocks:
        raise bad_request("rich message is empty")
    return {"blocks": blocks, **({"is_rtl": True} if value.get("is_rtl") else {})}


@dataclass(slots=True)
class _Measure:
    """Counts while it turns blocks over; the limits are those of the whole message."""

    draft: bool
    blocks: int = 0
    characters: int = 0

    def block(self, block: Json, depth: int) -> Json:
        kind = block["type"]
        if kind not in MODELLED:
            raise not_implemented(f"the rich block {kind}")
        if kind == "thinking" and not self.draft:
            raise bad_request("thinking blocks are allowed only in drafts")
        if kind == "heading" and not 1 <= block["size"] <= LARGEST_HEADING:
            raise bad_request("heading size must be from 1 to 6")
        self._count(depth)
        for text in _texts(block):
            self._text(text, depth)
        shown = dict(block)
        if kind == "table":
            self._table(block, depth)
        if kind == "list":
            shown["items"] = [
                self._item(item, place, depth + 1) for place, item in enumerate(block["items"], 1)
            ]
        elif kind in NESTED:
            shown["blocks"] = [self.block(each, depth + 1) for each in block["blocks"]]
        return shown

    def _item(self, item: Json, place: int, depth: int) -> Json:
        self._count(depth)
        label = f"{item.get('value', place)}." if "type" in item or "value" in item else BULLET
        return {
            **item,
            "label": label,
            "blocks": [self.block(each, depth + 1) for each in item["blocks"]],
        }

    def _table(self, block: Json, depth: int) -> None:
        for row in block["cells"]:
            self._count(depth + 1)
            if sum(cell.get("colspan", 1) for cell in row) > MOST_COLUMNS:
                raise bad_request("too many columns in a table")
            for cell in row:
                self._text(cell.get("text", ""), depth + 1)

    def _count(self, depth: int) -> None:
        self.blocks += 1
        if self.blocks > MOST_BLOCKS:
            raise bad_request("too many blocks in the rich message")
        if depth > DEEPEST:
            raise bad_request("blocks are nested too deep")

    def _text(self, text: Any, depth: int) -> None:
        if depth > DEEPEST:
            raise bad_request("blocks are nested too deep")
        if isinstance(text, list):
            for part in text:
                self._text(part, depth)
        elif isinstance(text, dict):
            if text["type"] == "button":
                raise not_implemented("a button within rich text")
            self._text(text.get("text", text.get("expression", "")), depth + 1)
        else:
            self.characters += utf16_length(text)
            if self.characters > LONGEST:
                raise bad_request("rich message is too long")


def _texts(block: Json) -> Iterator[Any]:
    """The texts of a block itself."""
    for name in ("text", "credit", "summary", "expression"):
        if name in block:
            yield block[name]
    if "caption" in block:
        yield block["caption"]
