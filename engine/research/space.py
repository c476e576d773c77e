"""What an optimizer may try of a strategy: its numbers, each a few steps around where it stands.

Conditions with a numeric argument, multiples in exit rules such as ``2 * atr`` or ``RR>=2``, and
nothing that loosens a limit: symbols, hours, news, sizes and caps stay as they are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import product
from math import prod
from random import Random

from engine.domain.strategy import Strategy
from engine.domain.values import quantize
from engine.errors import InvalidInput
from engine.strategies.documents import parse, text
from engine.strategies.patch import patched

#: The steps around a number, as factors.
FACTORS = (Decimal("0.8"), Decimal("0.9"), Decimal(1), Decimal("1.1"), Decimal("1.25"))
#: Axes of a search at most: more would fit noise.
MOST_AXES = 6
#: A bare multiple in an expression: ``2 * atr``, ``RR>=1.5``.
_MULTIPLE = re.compile(r"^(\d+(?:\.\d+)?)(?= \* )|(?<=RR>=)(\d+(?:\.\d+)?)$")


@dataclass(frozen=True, slots=True)
class Axis:
    """A field by its dotted path, and what is tried for it, as it is written in a document."""

    path: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """One document to try; ``point`` are its values in the order of the axes."""

    strategy: Strategy
    point: tuple[str, ...]


def axes_of(strategy: Strategy) -> tuple[Axis, ...]:
    """The axes of a strategy, the first :data:`MOST_AXES` in the order of its document."""
    return tuple(_axes(strategy))[:MOST_AXES]


def _axes(strategy: Strategy) -> Iterator[Axis]:
    for condition in strategy.entry_conditions:
        values = _around(condition.argument)
        if len(values) > 1:
            yield Axis(f"entry_conditions.{condition.name}", values)
    rules = strategy.exit_rules
    single = [("exit_rules.stop_loss", rules.stop_loss)]
    if len(rules.take_profit) == 1:
        single.append(("exit_rules.take_profit", rules.take_profit[0]))
    for path, expression in single:
        found = _MULTIPLE.search(expression)
        if found is not None:
            start, end = found.span()
            tried = _around(found[0], whole=False)
            yield Axis(path, tuple(expression[:start] + n + expression[end:] for n in tried))


def _around(written: str, *, whole: bool = True) -> tuple[str, ...]:
    """A number and its steps, each once, and whole numbers where a ``whole`` one stands; no number
    has none.
    """
    try:
        number = Decimal(written)
    except InvalidOperation:
        return ()
    if not number.is_finite() or number <= 0:
        return (written,)
    places = 0 if whole and "." not in written else max(2, -int(number.as_tuple().exponent))
    tried = (quantize(number * factor, places) for factor in FACTORS)
    return tuple(dict.fromkeys(f"{one.normalize():f}" for one in tried if one > 0))


def trials(strategy: Strategy, axes: tuple[Axis, ...], *, most: int, seed: int) -> list[Trial]:
    """The present document first, then others: all of the grid, or a sample drawn with ``seed``,
    the same on every machine. What the document's own check refuses is left out.
    """
    sizes = prod(len(axis.values) for axis in axes)
    points = list(product(*(axis.values for axis in axes))) if sizes <= 20_000 else []
    chance = Random(seed)  # noqa: S311 -- a sample that can be drawn again, not a secret
    if not points:
        points = [tuple(chance.choice(axis.values) for axis in axes) for _ in range(most * 3)]
    elif len(points) > most:
        points = chance.sample(points, len(points))
    found = [Trial(strategy, ())]
    known = {text(strategy)}
    for point in points:
        if len(found) > most:
            break
        trial = _trial(strategy, axes, point)
        if trial is not None and text(trial.strategy) not in known:
            known.add(text(trial.strategy))
            found.append(trial)
    return found


def _trial(strategy: Strategy, axes: tuple[Axis, ...], point: tuple[str, ...]) -> Trial | None:
    made = strategy
    try:
        for axis, value in zip(axes, point, strict=True):
            written = patched(made, f"{axis.path} = {value}")
            made = parse(made.id, written, version=made.version, is_active=made.is_active)
    except InvalidInput:
        return None
    return Trial(made, point)
