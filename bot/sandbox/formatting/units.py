"""Offsets and lengths in Telegram count UTF-16 units; errors count UTF-8 bytes."""

from typing import Any

Entity = dict[str, Any]


class ParseError(Exception):
    """The text cannot be parsed; the message is lost as a whole."""


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def byte_offset(text: str, index: int) -> int:
    return len(text[:index].encode())


def in_order(entities: list[Entity]) -> list[Entity]:
    return sorted(entities, key=lambda entity: (entity["offset"], -entity["length"]))
