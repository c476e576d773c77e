"""parse_mode=MarkdownV2, without nested quotes: every reserved character must be escaped."""

import re
from dataclasses import dataclass, field

from bot.sandbox.formatting.units import Entity, ParseError, byte_offset, in_order, utf16_length

# The longer tokens first: "__" is underline, never two italics.
TOKENS = {
    "```": "pre",
    "__": "underline",
    "||": "spoiler",
    "*": "bold",
    "_": "italic",
    "~": "strikethrough",
    "`": "code",
}
NAMES = TOKENS | {"[": "text_link", ">": "blockquote"}
PRE = "```"
RESERVED = "_*[]()~`>#+-=|{}.!"
LINK = re.compile(r"\]\(((?:[^)\\]|\\.)*)\)")
LANGUAGE = re.compile(r"([\w+-]+)\n")


@dataclass(slots=True)
class Opened:
    token: str
    start: int
    offset: int
    language: str = ""


@dataclass(slots=True)
class Parsing:
    source: str
    text: str = ""
    entities: list[Entity] = field(default_factory=list)
    stack: list[Opened] = field(default_factory=list)

    @property
    def top(self) -> str:
        return self.stack[-1].token if self.stack else ""

    def open(self, token: str, at: int, language: str = "") -> None:
        offset = byte_offset(self.source, at)
        self.stack.append(Opened(token, utf16_length(self.text), offset, language))

    def close(self, **extra: str) -> None:
        opened = self.stack.pop()
        length = utf16_length(self.text) - opened.start
        if opened.language:
            extra["language"] = opened.language
        if length:
            kind = NAMES[opened.token]
            self.entities.append({"type": kind, "offset": opened.start, "length": length, **extra})


def parse_markdown(source: str) -> tuple[str, list[Entity]]:
    state = Parsing(source)
    at = 0
    while at < len(source):
        at = _step(state, at)
    while state.top == ">":
        state.close()
    if state.stack:
        raise _unfinished(state)
    return state.text, in_order(state.entities)


def _step(state: Parsing, at: int) -> int:
    source, char = state.source, state.source[at]
    if char == "\\" and at + 1 < len(source) and 1 <= ord(source[at + 1]) <= 126:
        state.text += source[at + 1]
        return at + 2
    if state.top in ("`", PRE):
        return _inside_code(state, at)
    token = next((t for t in TOKENS if source.startswith(t, at)), None)
    if token:
        return _toggle(state, token, at)
    if char in "[]":
        return _link(state, char, at)
    if char in ">\n":
        return _quote(state, char, at)
    if char in RESERVED:
        raise _reserved(char)
    state.text += char
    return at + 1


def _inside_code(state: Parsing, at: int) -> int:
    token = state.top
    if state.source.startswith(token, at):
        state.close()
        return at + len(token)
    state.text += state.source[at]
    return at + 1


def _toggle(state: Parsing, token: str, at: int) -> int:
    if any(opened.token == token for opened in state.stack):
        if state.top != token:
            raise _unfinished(state)
        state.close()
        return at + len(token)
    after = at + len(token)
    language = LANGUAGE.match(state.source, after) if token == PRE else None
    state.open(token, at, language[1] if language else "")
    return language.end() if language else after


def _link(state: Parsing, char: str, at: int) -> int:
    if char == "[":
        state.open("[", at)
        return at + 1
    match = LINK.match(state.source, at)
    if state.top != "[":
        raise _reserved(char)
    if match is None:
        state.stack.pop()
        return at + 1
    state.close(url=re.sub(r"\\(.)", r"\1", match[1]))
    return match.end()


def _quote(state: Parsing, char: str, at: int) -> int:
    if char == ">":
        if state.text and not state.text.endswith("\n"):
            raise _reserved(char)
        state.open(">", at)
        return at + 1
    goes_on = state.source.startswith(">", at + 1)
    if state.top == ">" and not goes_on:
        state.close()
    state.text += char
    return at + 2 if state.top == ">" else at + 1


def _reserved(char: str) -> ParseError:
    return ParseError(f"Character '{char}' is reserved and must be escaped with the preceding '\\'")


def _unfinished(state: Parsing) -> ParseError:
    opened = state.stack[-1]
    kind = NAMES[opened.token].capitalize()
    return ParseError(f"Can't find end of {kind} entity at byte offset {opened.offset}")
