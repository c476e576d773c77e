"""A look-up as a language model reads it: lines of the record, and strangers' texts apart."""

import re
from datetime import UTC, datetime
from decimal import Decimal

from engine.domain import ask
from engine.llm.asked import MOST_ROWS
from engine.llm.cleaning import clean
from engine.llm.evidence import Evidence

#: Of a text that strangers wrote, or a name.
_LONGEST = 120
_CODE = re.compile(r"[a-z0-9_:.]{1,60}")
#: Names of values that somebody typed or that came from outside.
_STRANGERS = ("text",)


def lines_of(found: ask.Evidence, more: Evidence | None = None) -> tuple[list[str], list[str]]:
    """A look-up as a model reads it: lines of the record, and texts that strangers wrote."""
    lines = [f"LOOK-UP {found.asked.code()}"]
    strangers: list[str] = []
    if found.missing is not None:
        lines.append(f"missing = {found.missing}: this is not recorded")
    if found.since is not None and found.until is not None:
        lines.append(f"from {_said(found.since)} until {_said(found.until)}")
    if found.currency is not None:
        lines.append(f"currency = {found.currency}")
    lines += [f"{name} = {_said(value)}" for name, value in found.figures.items()]
    for count, row in enumerate(found.rows[:MOST_ROWS], start=1):
        shown = [
            f"{name} = {_said(value)}" for name, value in row.items() if name not in _STRANGERS
        ]
        strangers += [str(row[name]) for name in _STRANGERS if row.get(name)]
        lines.append(f"row {count}: {', '.join(shown)}")
    if found.records:
        lines.append(f"decisions {', '.join(f'#{number}' for number in found.records)}")
    if more is not None:
        strangers += more.untrusted
    return lines, strangers


def _said(value: ask.Figure) -> str:
    if value is None:
        return "not known"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if isinstance(value, Decimal):
        return f"{value:f}"
    # Codes are our own words, with marks that a text of somebody's would lose.
    text = str(value)
    return text if _CODE.fullmatch(text) else clean(text, _LONGEST)
