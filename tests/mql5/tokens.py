"""MQL5 source as tokens."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TOKEN = re.compile(
    r"""
  (?P<comment>//[^\n]*|/\*.*?\*/)
 |(?P<directive>^[ \t]*\#[^\n]*)
 |(?P<string>"(?:\\.|[^"\\\n])*")
 |(?P<literal>[DC]'[^'\n]*')
 |(?P<char>'(?:\\.|[^'\\\n])+')
 |(?P<number>0[xX][0-9a-fA-F]+\w*|\d[\w.]*(?:[eE][+-]\d+)?|\.\d+\w*)
 |(?P<name>[A-Za-z_]\w*)
 |(?P<space>\s+)
 |(?P<op><<=|>>=|->|::|\+\+|--|&&|\|\||[-+*/%&|^!=<>]=|<<|>>|.)
""",
    re.X | re.S | re.M,
)
INCLUDE = re.compile(r'^\s*#include\s+"([^"]+)"', re.M)

SCALARS = frozenset(
    "char uchar bool short ushort int uint color long ulong datetime float double string".split()
)
#: Structures of the terminal that the Expert Advisor may use.
STRUCTS = frozenset(
    "MqlTradeRequest MqlTradeResult MqlRates MqlTick MqlCalendarValue MqlCalendarEvent"
    " MqlCalendarCountry".split()
)
ENUMS = frozenset(
    "ENUM_ORDER_TYPE_FILLING ENUM_ORDER_TYPE ENUM_TIMEFRAMES ENUM_CALENDAR_EVENT_IMPORTANCE".split()
)


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is a group's name above; ``line`` counts from 1."""

    kind: str
    text: str
    line: int


END = Token("op", "", 0)


@dataclass(frozen=True, slots=True)
class Types:
    """The names of types known to a program."""

    structs: frozenset[str]
    enums: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """Every name that can begin a declaration."""
        return SCALARS | self.structs | self.enums


def tokens(source: str) -> list[Token]:
    """The whole text, nothing lost."""
    out: list[Token] = []
    line = 1
    for match in _TOKEN.finditer(source):
        out.append(Token(str(match.lastgroup), match.group(), line))
        line += match.group().count("\n")
    return out


def significant(found: Sequence[Token]) -> list[Token]:
    """Without blanks and comments."""
    return [token for token in found if token.kind not in ("space", "comment")]


def units(main: Path) -> list[Path]:
    """A program's files: the main one, then what it includes, each once."""
    todo, done = [main.resolve()], []
    while todo:
        path = todo.pop(0)
        if path in done:
            continue
        done.append(path)
        names = INCLUDE.findall(path.read_text("utf-8"))
        todo += [(path.parent / name.replace("\\", "/")).resolve() for name in names]
    return done


def types_of(paths: Sequence[Path]) -> Types:
    """Structures and enumerations that a program declares, and the terminal's."""
    structs, enums = set(STRUCTS), set(ENUMS)
    for path in paths:
        text = re.sub(r"//[^\n]*|/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S)
        structs |= set(re.findall(r"\bstruct\s+(\w+)", text))
        enums |= set(re.findall(r"\benum\s+(\w+)", text))
    return Types(frozenset(structs), frozenset(enums))
