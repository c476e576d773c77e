"""A model's text made plain and short: no markup, no links, no commands, nothing invisible."""

import re
from html import unescape
from unicodedata import category, name, normalize

_TAG = re.compile(r"<[^<>]{0,400}>")
_CODE = re.compile(r"```.*?(?:```|$)", re.S)
_LINK = re.compile(r"!?\[([^\]\n]{0,200})\]\([^)\n]{0,2000}\)?")
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,20}://|//|www\.|\b(?:mailto|tg|tel|sms|data|file|javascript|magnet):)"
    r"[^\s<>]*[^\s<>.,;:!?]",
    re.I,
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
#: What a chat would turn into a link by itself.
_HOST = re.compile(r"(?<![\w.])(?:[^\W_][\w-]{0,62}\.)+[^\W\d_]{2,24}(?![\w])(?:[/:?#][^\s]*)?")
_HANDLE = re.compile(r"(?<!\w)[@#$](?=[^\W\d_])\w+")
_COMMAND = re.compile(r"(?<![\w/])/+(?=[^\W\d_])\w*(?:@\w+)?")
_MARKS = re.compile(r"[*_`~|>]+|^#{1,6} |^\s*(?:[-•–]|\d{1,2}[.)])\s+", re.M)
#: Read of a text before it is cut; the rest is not looked at.
_LOOKED_AT = 20_000
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Me", "So")
_SCRIPTS = {"ru": "CYRILLIC", "ar": "ARABIC"}
#: An end of a sentence in any of the scripts.
_END = re.compile(r"[.!?؟。…](?=\s|$)")


def clean(text: str, longest: int) -> str:
    """One paragraph of visible text without links, handles and commands, cut where a sentence
    ends; an empty text when there is no whole sentence that fits.
    """
    bare = _visible(unescape(unescape(text[:_LOOKED_AT])))
    bare = _TAG.sub(" ", _CODE.sub(" ", bare))
    bare = _LINK.sub(r"\1", bare)
    for pattern in (_ADDRESS, _MAIL, _HOST, _HANDLE, _COMMAND):
        bare = pattern.sub(" ", bare)
    line = " ".join(_MARKS.sub(" ", bare).split())
    line = re.sub(r"\s+([.,;:!?])", r"\1", line).strip()
    return line if len(line) <= longest else _cut(line, longest)


def is_written_in(text: str, language: str) -> bool:
    """Whether most letters of a text are of the script that a language is written in."""
    letters = [letter for letter in text if letter.isalpha()]
    script = _SCRIPTS.get(language, "LATIN")
    # Symbols and indicators have Latin letters in every language.
    least = 2 if script == "LATIN" else 4
    return sum(name(letter, "").startswith(script) for letter in letters) * least >= len(letters)


def _cut(line: str, longest: int) -> str:
    ends = [found.end() for found in _END.finditer(line[: longest + 1]) if found.end() <= longest]
    return line[: ends[-1]] if ends else ""


def _visible(text: str) -> str:
    """Without controls, formats, halves, private characters and pictures, of which some are numbers
    and some point at things; breaks of lines stay.
    """
    shown = []
    for character in normalize("NFC", text):
        kind = category(character)
        if character in "\n\t" or kind in ("Zl", "Zp"):
            shown.append("\n")
        elif kind not in _UNSEEN and (kind != "Sk" or character in "`^"):
            shown.append(character)
    return "".join(shown)
