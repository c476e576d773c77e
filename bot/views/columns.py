"""Tables of equal letters: columns that stay columns, whichever way the language reads."""

from collections.abc import Sequence
from html import escape

from bot.i18n import FIRST_STRONG, POP, Html, Words

#: Begins a part that reads from the right, whatever the lines around it do (Unicode annex 9).
RIGHT_TO_LEFT = "\u2067"


def table(words: Words, rows: Sequence[Sequence[str]], widths: Sequence[int]) -> Html:
    """Rows of cells in columns of so many letters: a positive width puts a cell at the column's
    end, a negative one at its beginning. A first cell that is too long has its own line.
    """
    lines = "\n".join(_row(words, row, widths) for row in rows)
    return Html(f"<pre>{escape(lines, quote=False)}</pre>")


def _row(words: Words, row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = row
    if len(first) > abs(widths[0]):
        whole = sum(map(abs, widths))
        alone = _line(words, _cell(words, first[:whole], -whole))
        return f"{alone}\n{_row(words, ['', *others], widths)}"
    pairs = zip(row, widths, strict=True)
    return _line(words, "".join(_cell(words, cell, width) for cell, width in pairs))


def _line(words: Words, text: str) -> str:
    return f"{RIGHT_TO_LEFT}{text}{POP}" if words.is_rtl else text.rstrip()


def _cell(words: Words, text: str, width: int) -> str:
    # A figure keeps its sign before it only in a part of its own.
    shown = f"{FIRST_STRONG}{text}{POP}" if words.is_rtl and text else text
    blank = " " * (abs(width) - len(text))
    return blank + shown if width > 0 else shown + blank
