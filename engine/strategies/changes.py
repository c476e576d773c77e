"""What an edit changed: the difference of two versions of a strategy, field by field, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.domain.strategy import Strategy
from engine.strategies.documents import document
from engine.strategies.problems import text_of


@dataclass(frozen=True, slots=True)
class Change:
    """One field by its dotted path; ``before`` or ``after`` is None where it was not there."""

    path: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        before, after = (text or "nothing" for text in (self.before, self.after))
        return f"{self.path}: {before} -> {after}"


def diff(before: Strategy | None, after: Strategy) -> tuple[Change, ...]:
    """Every field in which two versions differ, in the order of the document; all fields of a new
    one. A list of words is one field. Being switched on or off is the field ``is_active``.
    """
    old = {} if before is None else fields_of(before)
    new = fields_of(after)
    return tuple(
        Change(path, old.get(path), new.get(path))
        for path in dict.fromkeys((*new, *old))
        if old.get(path) != new.get(path)
    )


def fields_of(strategy: Strategy) -> dict[str, str]:
    """Every field of a strategy by its dotted path, as text."""
    whole = {"is_active": strategy.is_active, **document(strategy)}
    return dict(_flat(whole, ""))


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        parts: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        parts = list(enumerate(value))
    else:
        yield path, ", ".join(value) if isinstance(value, list) else text_of(value)
        return
    for name, inner in parts:
        yield from _flat(inner, f"{path}.{name}" if path else str(name))
