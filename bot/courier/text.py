"""Text that fits: Telegram counts what is seen, in UTF-16 units, and takes no more than so many."""

from collections.abc import Iterator
from html import escape, unescape
from re import compile as pattern

_TAG = pattern(r"<[^>]+>")
_OPENING = pattern(r"<([a-z-]+)[^>]*>")
_CLOSING = pattern(r"</([a-z-]+)>")


def plain(text: str) -> str:
    """HTML as the bare text that is seen."""
    return unescape(_TAG.sub("", text))


def length(text: str) -> int:
    """How long HTML is for Telegram."""
    return len(plain(text).encode("utf-16-le")) // 2


def split(text: str, limit: int) -> list[str]:
    """HTML in parts that fit, cut between lines; what is open at a cut is closed and opened again.

    A line that does not fit by itself loses its formatting.
    """
    if length(text) <= limit:
        return [text]
    parts: list[str] = []
    open_tags: list[str] = []
    lines: list[str] = []
    for line in _lines(text, limit):
        if lines and length("\n".join([*lines, line])) > limit:
            part = "\n".join(lines)
            open_tags = _open_after(part)
            parts.append(part + "".join(f"</{_name(tag)}>" for tag in reversed(open_tags)))
            lines = ["".join(open_tags) + line]
        else:
            lines.append(line)
    parts.append("\n".join(lines))
    return [part for part in parts if plain(part).strip()]


def cut(text: str, limit: int) -> str:
    """The first lines of HTML that fit, with a sign that there were more."""
    if length(text) <= limit:
        return text
    return split(text, limit - 2)[0] + "\n…"


def _lines(text: str, limit: int) -> Iterator[str]:
    for line in text.split("\n"):
        if length(line) <= limit:
            yield line
            continue
        bare, tags = plain(line), _unpaired(line)
        # Half of the limit fits even if every letter takes two units.
        for start in range(0, len(bare), limit // 2):
            yield tags + escape(bare[start : start + limit // 2], quote=False)
            tags = ""


def _unpaired(line: str) -> str:
    """The tags of a line that belong to other lines, first those that are closed."""
    closing, opening = [], []
    for tag in _TAG.findall(line):
        if not _CLOSING.fullmatch(tag):
            opening.append(tag)
        elif opening:
            opening.pop()
        else:
            closing.append(tag)
    return "".join([*closing, *opening])


def _open_after(part: str) -> list[str]:
    """The opening tags that are not closed at the end."""
    found: list[str] = []
    for match in _TAG.finditer(part):
        tag = match.group()
        if closing := _CLOSING.fullmatch(tag):
            while found and _name(found.pop()) != closing.group(1):
                pass
        else:
            found.append(tag)
    return found


def _name(tag: str) -> str:
    match = _OPENING.fullmatch(tag)
    return match.group(1) if match else "b"
