"""What a C++ compiler accepts and MetaEditor refuses, or understands differently."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mql5.tokens import END, Token, Types, significant, tokens, types_of, units

_BANNED = frozenset(
    """auto nullptr constexpr static_cast reinterpret_cast const_cast unsigned signed size_t goto try catch
    throw noexcept wchar_t using friend mutable inline volatile typeid decltype alignas alignof asm and or not
    xor concept requires co_await co_return co_yield register thread_local static_assert std nullptr_t int8_t
    int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t intptr_t new delete typedef union namespace
    template typename operator virtual dynamic_cast matrix vector complex class this""".split()
)
_DIRECTIVES = frozenset("include define property ifdef ifndef else endif undef".split())
_PROPERTIES = frozenset("copyright link version description strict icon".split())
_HANDLERS = {
    "OnInit": "int ( )",
    "OnDeinit": "void ( const int reason )",
    "OnTimer": "void ( )",
    "OnTick": "void ( )",
    "OnTrade": "void ( )",
}
_CHAR = re.compile(r"'(?:[^'\\]|\\[nrt\\'\"0]|\\x[0-9a-fA-F]{1,4})'")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|0|[1-9]\d*|\d+\.\d*(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Place:
    """A token with its neighbours and how deep in braces and parentheses it stands."""

    all: list[Token]
    at: int
    braces: int
    parens: int
    types: Types

    def look(self, by: int) -> Token:
        """A neighbour; an empty token beyond the ends."""
        index = self.at + by
        return self.all[index] if 0 <= index < len(self.all) else END


def _directive(place: Place) -> Iterator[str]:
    token = place.look(0)
    if token.kind != "directive":
        return
    found = re.match(r"\s*#\s*(\w*)\s*(\S*)", token.text)
    word, argument = found.groups() if found else ("", "")
    if word not in _DIRECTIVES:
        yield f"#{word} is not used here (MQL5 has no #if, #elif and #pragma)"
    if word == "property" and argument not in _PROPERTIES:
        yield f"#property {argument} is not known here"
    if word == "define" and "##" in token.text:
        yield "## in a macro"
    if word == "include" and not argument.startswith('"'):
        yield "only files of this project are included"
    if word == "include" and "\\" in argument:
        yield "a path is written with /"


def _literals(place: Place) -> Iterator[str]:
    token, after = place.look(0), place.look(1)
    if token.kind == "literal":
        yield "D'..' and C'..' are not used here"
    if token.kind == "char" and not _CHAR.fullmatch(token.text):
        yield f"character constant {token.text}"
    if token.kind == "number" and not _NUMBER.fullmatch(token.text):
        yield f"number {token.text}: no suffixes, separators or octal"
    if token.kind != "string":
        return
    if re.search(r"\\[^nrt\\\"'xX]", token.text.replace("\\\\", "")):
        yield f"escape sequence unknown to MQL5 in {token.text}"
    if after.kind == "string":
        yield "adjacent string literals"
    if after.text == "+" and place.look(2).kind == "string":
        yield "literal + literal"


def _words(place: Place) -> Iterator[str]:
    token, after = place.look(0), place.look(1)
    if token.kind == "name" and token.text in _BANNED:
        yield f"'{token.text}' is not allowed"
    if token.kind == "name" and (token.text.startswith("__") or len(token.text) > 63):
        yield f"identifier {token.text}"
    if token.text in ("->", "::") or (token.text == "[" and after.text in ("&", "=")):
        yield f"'{token.text}' is C++ only"


def _declarations(place: Place) -> Iterator[str]:
    token, after = place.look(0), place.look(1)
    if token.kind != "name" or token.text not in place.types.all:
        return
    reference = after.text == "&"
    name = place.look(2) if reference else after
    behind = place.look(3) if reference else place.look(2)
    if after.text == "*":
        yield "pointer declarator"
    if reference and place.braces > 0 and place.parens == 0:
        yield "local reference variable (error 229)"
    parameter = (
        place.parens > 0
        and place.braces == 0
        and name.kind == "name"
        and behind.text in (",", ")", "[", "=")
    )
    if parameter and not reference and token.text in place.types.structs:
        yield f"struct {token.text} passed by value (error 293)"
    if parameter and not reference and behind.text == "[":
        yield "array passed by value (error 294)"


def _statements(place: Place) -> Iterator[str]:
    token, after = place.look(0), place.look(1)
    if token.text == "if" and after.text == "(" and place.look(2).text in place.types.all:
        if place.look(3).kind == "name":
            yield "declaration inside if() (error 179)"
    if token.text == "for" and after.text == "(" and ";" not in _inside(place):
        yield "range-based for"


def _inside(place: Place) -> list[str]:
    """The texts between the parenthesis that follows and its partner."""
    depth, found = 0, []
    for token in place.all[place.at + 1 :]:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        found.append(token.text)
        if depth == 0:
            break
    return found


def _handlers(place: Place) -> Iterator[str]:
    token = place.look(0)
    if token.text not in _HANDLERS or place.braces or place.look(1).text != "(":
        return
    got = " ".join([place.look(-1).text, *_inside(place)])
    if got != _HANDLERS[token.text]:
        yield f"{token.text} must be '{_HANDLERS[token.text]}', is '{got}'"


_RULES: tuple[Callable[[Place], Iterator[str]], ...] = (
    _directive,
    _literals,
    _words,
    _declarations,
    _statements,
    _handlers,
)


def problems_of(path: Path, types: Types) -> list[str]:
    """The complaints about one file, as ``name:line: text``."""
    found, braces, parens = [], 0, 0
    every = significant(tokens(path.read_text("utf-8")))
    for at, token in enumerate(every):
        braces += {"{": 1, "}": -1}.get(token.text, 0)
        parens += {"(": 1, ")": -1}.get(token.text, 0)
        place = Place(every, at, braces, parens, types)
        for rule in _RULES:
            found += [f"{path.name}:{token.line}: {text}" for text in rule(place)]
    return found


def lint(main: Path) -> list[str]:
    """The complaints about a program and what it includes; an absent include raises."""
    paths = units(main)
    types = types_of(paths)
    return [problem for path in paths for problem in problems_of(path, types)]
