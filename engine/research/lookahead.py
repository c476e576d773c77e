"""Whether a strategy looks into the future: it is asked again over candles whose later part is
missing, or is another one.

Two looks, because each sees what the other does not. Single candles are asked with and without what
comes after them, by the conditions and the setup one by one: that says which of them it is. And the
whole run is played again up to some candles, so that nothing of the loop, the venue or the columns
can look ahead unseen.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product

import numpy as np
from numpy.random import Generator

from engine.domain.account import Direction
from engine.domain.strategy import Condition, Strategy
from engine.research.backtest import Backtest
from engine.research.columns import Columns
from engine.research.figures import Figures
from engine.research.plan import cut
from engine.research.stream import Dealt, Judged, Line, No
from engine.research.truth import truth_of
from engine.snapshot.canonical import canonical
from engine.strategies.rules import observe
from engine.strategies.setups import ask

#: Makes a run over candles; each of them once.
Make = Callable[[Columns], Backtest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek:
    """What is decided otherwise without the candles that come later: at the close of which candle,
    by which strategy, and what of it sees otherwise, a condition with its argument or a setup;
    empty where no single one does.
    """

    at: datetime
    strategy: str
    what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was looked at: candles asked one by one, those of them with ideas, runs played again,
    decisions compared. Without
    ``is_steady`` the same candles do not make the same decisions twice, and nothing else is said.
    """

    peeks: tuple[Peek, ...]
    is_steady: bool
    candles: int = 0
    ideas: int = 0
    runs: int = 0
    decisions: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return self.is_steady and not self.peeks


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAhead:
    """Look for decisions that later candles change. ``cuts`` runs are played again with nothing
    after a candle, and as many with the later candles shuffled; ``most`` candles are asked one by
    one. Candles with ideas come first. ``tell`` hears how far it is, in per cent.
    """

    make: Make
    cuts: int = 6
    most: int = 1_000
    seed: int = 1
    tell: Callable[[int], None] = lambda percent: None

    def __call__(self, columns: Columns) -> Looked:
        test = self.make(columns)
        whole = test.run().stream.lines
        if _bytes(whole) != _bytes(self.make(columns).run().stream.lines):
            return Looked(peeks=(), is_steady=False)
        chance = np.random.default_rng(self.seed)
        places = self._places(test, whole, chance)
        peeks = dict.fromkeys(self._asked(test, places))
        decisions, ends = 0, self._ends(test, whole, chance)
        for number, end in enumerate(ends):
            blind = self.make(cut(test.columns, end)).eyes.figures
            peeks |= dict.fromkeys(_columns_otherwise(test, blind, end))
            for other in (cut(test.columns, end), shuffled(test.columns, end, chance)):
                found = self.make(other).run().stream.lines
                past = whole_until(found, columns.closes(end - 1))
                decisions += len(past)
                peeks |= dict.fromkeys(_changed(test, past, whole, end))
            self.tell(50 + 50 * (number + 1) // len(ends))
        return Looked(
            peeks=_told(peeks), is_steady=True, candles=len(places),
            ideas=len(set(places) & set(_ideas(test.columns, whole))), runs=2 * len(ends),
            decisions=decisions,
        )  # fmt: skip

    def _places(self, test: Backtest, whole: Sequence[Line], chance: Generator) -> list[int]:
        """Candles to ask one by one, in order; the last has nothing after it."""
        ideas = _ideas(test.columns, whole)
        rest = chance.permutation(np.arange(test.start, len(test.columns) - 1))
        found = dict.fromkeys([*ideas, *(int(place) for place in rest)])
        return sorted(list(found)[: self.most])

    def _ends(self, test: Backtest, whole: Sequence[Line], chance: Generator) -> list[int]:
        """Where runs are cut: half of them behind ideas, the rest anywhere."""
        first, last = test.start + 1, len(test.columns)
        behind = [place + 1 for place in _ideas(test.columns, whole) if first < place + 1 < last]
        chosen = [int(end) for end in chance.permutation(behind)[: self.cuts // 2]]
        anywhere = chance.permutation(np.arange(first, last))
        return sorted(dict.fromkeys([*chosen, *(int(end) for end in anywhere)][: self.cuts]))

    def _asked(self, test: Backtest, places: Sequence[int]) -> Iterator[Peek]:
        strategies = test.eyes.rules.strategies
        for number, place in enumerate(places):
            blind = self.make(cut(test.columns, place + 1))
            for strategy in strategies:
                for what in _seen_otherwise(strategy, test, blind, place):
                    yield Peek(at=test.columns.closes(place), strategy=strategy.name, what=what)
            self.tell(50 * (number + 1) // len(places))


def shuffled(columns: Columns, end: int, chance: Generator) -> Columns:
    """The same candles before a place; those after it, at the same times, in another order."""
    order = np.concatenate([np.arange(end), end + chance.permutation(len(columns) - end)])
    return replace(
        columns, open=columns.open[order], high=columns.high[order], low=columns.low[order],
        close=columns.close[order], volume=columns.volume[order],
    )  # fmt: skip


def whole_until(lines: Sequence[Line], last: datetime) -> list[Line]:
    """The lines that were decided until an instant. An order stands after the idea it is of."""
    found: list[Line] = []
    for line in lines:
        at = _time(line)
        if at is not None and at > last:
            break
        found.append(line)
    return found


def _time(line: Line) -> datetime | None:
    if isinstance(line, Dealt):
        return None
    return line.at if isinstance(line, No | Judged) else line.trade.closed_at


def _bytes(lines: Sequence[Line]) -> list[bytes]:
    return [canonical(line.line) for line in lines]


def _ideas(columns: Columns, lines: Sequence[Line]) -> list[int]:
    """The places of the candles at which there were ideas."""
    closes = columns.opened + columns.length
    at = [int(line.at.timestamp()) for line in lines if isinstance(line, Judged)]
    return [int(place) for place in dict.fromkeys(np.searchsorted(closes, at))]


def _changed(
    test: Backtest, past: Sequence[Line], whole: Sequence[Line], end: int
) -> Iterator[Peek]:
    """The first decision of the past that is another one in the whole run."""
    theirs = whole_until(whole, test.columns.closes(end - 1))
    for one, other in zip(past, theirs, strict=False):
        if _key(one) != _key(other):
            yield _peek(test, one, end)
            return
    if len(past) != len(theirs):
        yield _peek(test, max(past, theirs, key=len)[min(len(past), len(theirs))], end)


def _key(line: Line) -> bytes:
    """A decision without how often it was repeated: the last no of the past goes on after it."""
    return canonical((replace(line, repeats=0) if isinstance(line, No) else line).line)


def _peek(test: Backtest, line: Line, end: int) -> Peek:
    at = _time(line) or test.columns.closes(end - 1)
    return Peek(at=at, strategy=line.strategy if isinstance(line, No | Judged) else "")


def _columns_otherwise(test: Backtest, blind: Figures, end: int) -> Iterator[Peek]:
    """The conditions whose columns are others when nothing comes after a place."""
    whole = test.eyes.figures
    for strategy in test.eyes.rules.strategies:
        for condition, side in product(_conditions(strategy), strategy.direction.directions):
            one, other = truth_of(condition, whole, side), truth_of(condition, blind, side)
            differ = one.sure[:end] & other.sure & (one.met[:end] != other.met)
            if differ.any():
                at = test.columns.closes(int(differ.argmax()))
                yield Peek(at=at, strategy=strategy.name, what=_named(condition))


def _seen_otherwise(
    strategy: Strategy, test: Backtest, blind: Backtest, place: int
) -> Iterator[str]:
    """What of a strategy answers otherwise at a candle when nothing comes after it."""
    one, other = (
        run.eyes.bundle(place, run.state, run.venue.account(), ()) for run in (test, blind)
    )
    sides: Sequence[Direction] = strategy.direction.directions
    setup = strategy.setup
    if setup is not None and any(
        ask(setup, one, side) != ask(setup, other, side) for side in sides
    ):
        yield setup
    for condition in _conditions(strategy):
        if any(
            observe(condition, one, side, required=True)
            != observe(condition, other, side, required=True)
            for side in sides
        ):
            yield _named(condition)


def _conditions(strategy: Strategy) -> tuple[Condition, ...]:
    return (*strategy.entry_conditions, *strategy.nice_to_have)


def _named(condition: Condition) -> str:
    return f"{condition.name} {condition.argument}"


def _told(peeks: "dict[Peek, None]") -> tuple[Peek, ...]:
    """Each once, the first time it was seen; what no condition explains only where none does."""
    first: dict[tuple[str, str], Peek] = {}
    for peek in sorted(peeks, key=lambda each: each.at):
        first.setdefault((peek.strategy, peek.what), peek)
    named = {strategy for strategy, what in first if what}
    return tuple(peek for peek in first.values() if peek.what or not named)
