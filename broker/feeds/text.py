"""Untrusted text made plain: no markup, no invisible characters, one line, a bounded length."""

import re
from html import unescape
from unicodedata import category

_TAG = re.compile(r"<[^<>]*>")
#: Read of a text before it is cut to the length that is wanted; the rest is not looked at.
_LOOKED_AT = 4_000
#: Kept of the invisible ones: joiners that words of some scripts need.
_JOINERS = "\u200c\u200d"


def plain(text: str, longest: int) -> str:
    """One line of visible text, cut at a word with an ellipsis when it is longer."""
    shown = "".join(map(_visible, text[:_LOOKED_AT]))
    line = " ".join(shown.split())
    if len(line) <= longest:
        return line
    cut = line[: longest - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > longest // 2 else cut).rstrip() + "…"


def without_markup(text: str, longest: int) -> str:
    """The same of a text that may hold HTML, also HTML that was escaped once more."""
    bare = text[:_LOOKED_AT]
    for _ in range(2):
        bare = unescape(_TAG.sub(" ", bare))
    return plain(_TAG.sub(" ", bare), longest)


def _visible(character: str) -> str:
    if character in _JOINERS:
        return character
    kind = category(character)
    if kind in ("Cc", "Zl", "Zp"):
        return " "
    # Formats turn text around or hide it; halves, private and unassigned ones show as boxes.
    return "" if kind in ("Cf", "Cs", "Co", "Cn") else character
