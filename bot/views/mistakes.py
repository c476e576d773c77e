"""What a person wrote that cannot be, in their words: which thing, and what would be right.

An error says in its details under ``mistake`` what it is; the facts beside it are put into words.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

from bot.i18n import Html, Words
from bot.views.settings import name_of, shown

#: Mistakes of one document that are told at once; more than these are too much to read.
_MOST = 5


def told(words: Words, details: Mapping[str, Any]) -> Html | None:
    """The mistake in words; None where the error names none that there are words for."""
    mistake = details.get("mistake")
    if mistake == "document":
        return document(words, details["errors"])
    key = f"mistake.{mistake}"
    if mistake is None or not words.has(key):
        return None
    return words(key, **{name: _fact(words, name, value) for name, value in details.items()})


def document(words: Words, errors: Sequence[Mapping[str, Any]]) -> Html:
    """The mistakes of a rule document, each by the path of its field."""
    lines = [words("mistake.document", count=len(errors))]
    for error in errors[:_MOST]:
        facts = {name: _code(value) for name, value in error["facts"].items()}
        lines.append(words(f"rule.{error['mistake']}", field=_code(error["field"]), **facts))
    if len(errors) > _MOST:
        lines.append(words("mistake.more", count=len(errors) - _MOST))
    return Html("\n".join(lines))


def _fact(words: Words, name: str, value: Any) -> Any:
    """A fact as people read it: a setting by its name, figures as the language has them."""
    if name in ("field", "above") and words.has(f"setting.{value}"):
        return name_of(words, value)
    if name in ("version", "newest", "line", "column"):
        return str(value)
    return shown(words, value) if isinstance(value, (Decimal, int)) else value


def _code(text: str) -> Html:
    return Html(f"<code>{escape(text[:300], quote=False)}</code>")
