"""The process that reads one RSS or Atom document: bytes in, JSON out, within bounds.

It runs alone because a document can be made so that reading it takes for ever or fills the memory.
It is started as ``python -m broker.feeds.news_parse ENCODING`` and never reads anything but its
standard input.
"""

import codecs
import contextlib
import io
import json
import re
import sys
from calendar import timegm
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import feedparser

CPU_SECONDS = 2
MEMORY = 256 * 1024 * 1024
#: Entries of a document that are read; the newest stand first in all feeds.
MOST = 200
_DECLARED = re.compile(rb"""^<\?xml[^>]{0,200}encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
#: They define entities, whose expansion has no bound that can be relied on.
_UNSAFE = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_PAGE = re.compile(r"\s*(<!--.{0,2000}?-->\s*)*(<!doctype\s+html|<html[\s>])", re.I | re.S)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


def parse(body: bytes, charset: str | None) -> dict[str, Any]:
    """``{"trouble": why}`` or ``{"title": ..., "items": [...]}``; times are Unix seconds."""
    text = _decoded(body, charset)
    bare = _DECLARATION.sub("", text, count=1)
    if _PAGE.match(bare[:5_000]):
        return {"trouble": "page"}
    if _UNSAFE.search(bare):
        return {"trouble": "unsafe"}
    # A stream, never a text: a text may be taken for a file's name.
    found = feedparser.parse(
        io.BytesIO(bare.encode("utf-8", "replace")),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        resolve_relative_uris=False,
        sanitize_html=False,
    )
    if not found.get("version"):
        return {"trouble": "other"}
    entries = list(found.entries)
    if found.bozo and not isinstance(found.bozo_exception, feedparser.CharacterEncodingOverride):
        # It breaks somewhere, and its last entry may be cut in the middle of a word.
        entries = entries[:-1]
    return {
        "title": str(found.feed.get("title", ""))[:500],
        "items": [_item(entry) for entry in entries[:MOST]],
    }


def _decoded(body: bytes, charset: str | None) -> str:
    """The text, by its mark, by the header, by its own declaration, else as UTF-8."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    declared = _DECLARED.match(body.lstrip()[:300])
    names = [charset, declared.group(1).decode("ascii") if declared else None, "utf-8"]
    for name in names:
        with contextlib.suppress(LookupError, UnicodeDecodeError):
            if name and codecs.lookup(name)._is_text_encoding:
                return body.decode(name)
    return body.decode("cp1252", "replace")


def _item(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "guid": str(entry.get("id", ""))[:1_000],
        "link": str(entry.get("link", ""))[:1_000],
        "title": str(entry.get("title", ""))[:4_000],
        "at": _instant(_dated(entry, "published_parsed") or _dated(entry, "updated_parsed")),
    }


def _dated(entry: Any, name: str) -> Any:
    # The entry's own ``get`` gives one for the other, and warns of it.
    return dict.get(entry, name)


def _instant(parsed: Any) -> int | None:
    try:
        seconds = timegm(parsed)
        datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return seconds


def _bound() -> None:
    """Give this process no more than it may need, where the system can."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def main() -> None:
    """Read standard input, write standard output."""
    _bound()
    given = sys.argv[1] if len(sys.argv) > 1 else ""
    told = parse(sys.stdin.buffer.read(), given or None)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
