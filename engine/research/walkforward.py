"""Walk-forward search: choose in one span of the past, try in the next, never look ahead.

    fold 1   |--- train ---|embargo|- test -|
    fold 2            |--- train ---|embargo|- test -|
    fold 3                     |--- train ---|embargo|- test -|

In each fold every candidate is measured in the span ``train``; the best one there, and the present
document, are then measured in ``test``, which begins after an embargo as long as a trade may last.
Tests never overlap. What is proposed is the choice of the last fold; what speaks for it is what the
choices of all folds made in their tests, because none of them had seen its test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from engine.domain.change_proposal import FoldFigures
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.research.advice import mean_of
from engine.research.space import Trial
from engine.scoring.metrics import Trade

#: Trades in a training span below which a candidate counts as not measured.
ENOUGH_INSIDE = 10
#: Trades of all tests together below which nothing is proposed.
ENOUGH_OUTSIDE = 20
#: By how many standard errors the choices' results must be above nothing: one-sided, one in twenty.
SURE = Decimal("1.65")
#: How much better the choices must be in their tests than the present document, in units of risk.
BETTER = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Window:
    """A span of the past; the start is in, the end is out."""

    start: datetime
    end: datetime

    def holds(self, instant: datetime) -> bool:
        """Whether an instant is in it."""
        return self.start <= instant < self.end


class Evaluator(Protocol):
    """Runs a strategy over a span of the past, with nothing but the past's data."""

    async def evaluate(self, document: Strategy, window: Window) -> tuple[Trade, ...]:
        """The trades that the document would have opened and closed in the window, oldest first:
        the same for the same arguments, and independent of anything outside of the window but
        candles before its start.
        """
        ...


@dataclass(frozen=True, slots=True)
class Fold:
    """A span to choose in, and the later one to try the choice in."""

    train: Window
    test: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search came to. ``folds`` are its steps, the oldest first; ``best`` the choice of the
    last. ``outside`` is the mean result of the choices in their tests, ``baseline`` that of the
    present document there, both in units of risk; None without trades. ``error`` is the standard
    error of ``outside``.
    """

    best: Trial
    folds: tuple[FoldFigures, ...]
    outside: Decimal | None
    baseline: Decimal | None
    error: Decimal | None
    trades_outside: int
    tried: int

    @property
    def refusal(self) -> str | None:
        """Why nothing is to be proposed, as a code; None when the choice is worth proposing."""
        if not self.best.point:
            return "present_is_best"
        if self.outside is None or self.trades_outside < ENOUGH_OUTSIDE:
            return "too_few_trades"
        if self.error is None or not self.outside > 0:
            return "loses_outside"
        if not self.outside >= SURE * self.error:
            return "may_be_luck"
        if not self.outside >= (self.baseline or Decimal(0)) + BETTER:
            return "no_better"
        last = self.folds[-1]
        if last.outside is None or not last.outside > 0:
            return "last_test_failed"
        return None


def folds_of(whole: Window, *, count: int, embargo: timedelta, train_parts: int = 3) -> list[Fold]:
    """So many folds over a span: each test as long as the others, each train ``train_parts`` times
    as long and directly before the embargo. Raises :class:`InvalidInput` for too short a span.
    """
    if count < 2 or train_parts < 1 or embargo < timedelta(0):
        raise InvalidInput("a walk-forward search needs two folds or more")
    part = (whole.end - whole.start - embargo) / (count + train_parts)
    if not part > max(embargo, timedelta(hours=1)):
        raise InvalidInput("there is too little history for so many folds", folds=count)
    found = []
    for number in range(count):
        start = whole.start + part * number
        train = Window(start, start + part * train_parts)
        test = Window(train.end + embargo, train.end + embargo + part)
        found.append(Fold(train, test))
    return found


async def search(evaluator: Evaluator, trials: Sequence[Trial], folds: Sequence[Fold]) -> Found:
    """Search; the first trial is the present document."""
    present = trials[0]
    figures, chosen_trades, present_trades = [], [], []
    best = present
    for fold in folds:
        best, inside = await _choose(evaluator, trials, fold.train)
        tested = await _measure(evaluator, best, fold.test)
        same = best is present
        base = tested if same else await _measure(evaluator, present, fold.test)
        chosen_trades += tested
        present_trades += base
        figures.append(
            FoldFigures(
                train_from=fold.train.start, train_until=fold.train.end,
                test_from=fold.test.start, test_until=fold.test.end,
                inside=_mean(inside), outside=_mean(tested), baseline=_mean(base),
                trades_inside=len(inside), trades_outside=len(tested),
            )
        )  # fmt: skip
    return Found(
        best=best,
        folds=tuple(figures),
        outside=_mean(chosen_trades),
        baseline=_mean(present_trades),
        error=error_of(chosen_trades),
        trades_outside=len(chosen_trades),
        tried=len(trials),
    )


async def _choose(
    evaluator: Evaluator, trials: Sequence[Trial], train: Window
) -> tuple[Trial, list[Decimal]]:
    """The best trial of a span and its results; the present document where none is measured, and
    where another is only as good.
    """
    best, best_results, best_score = trials[0], list[Decimal](), None
    for trial in trials:
        results = await _measure(evaluator, trial, train)
        score = _score(results)
        if trial is trials[0]:
            best_results, best_score = results, score
        elif score is not None and (best_score is None or score > best_score):
            best, best_results, best_score = trial, results, score
    return best, best_results


def _score(results: Sequence[Decimal]) -> Decimal | None:
    """The mean result over its own uncertainty, as a t-value without its last root: few lucky
    trades shall not beat many good ones. None for too few.
    """
    if len(results) < ENOUGH_INSIDE:
        return None
    mean = mean_of(results)
    spread = mean_of([(one - mean) ** 2 for one in results])
    # A fixed part keeps results that are all alike from dividing by nothing.
    return mean * Decimal(len(results)).sqrt() / (spread + Decimal("0.01")).sqrt()


async def _measure(evaluator: Evaluator, trial: Trial, window: Window) -> list[Decimal]:
    return results_of(await evaluator.evaluate(trial.strategy, window), window)


def results_of(trades: Sequence[Trade], window: Window) -> list[Decimal]:
    """Results in units of risk; raises :class:`InvalidInput` for a trade outside of its window: an
    evaluator that looks ahead would make every figure worthless.
    """
    for trade in trades:
        if not window.holds(trade.closed_at):
            raise InvalidInput(
                f"a trade closed at {trade.closed_at:%Y-%m-%dT%H:%MZ}, outside of its span",
            )
    return [trade.r for trade in trades if trade.r is not None]


def error_of(results: Sequence[Decimal]) -> Decimal | None:
    """The standard error of the mean (n-1); None for fewer than two."""
    if len(results) < 2:
        return None
    mean, count = mean_of(results), Decimal(len(results))
    squares = sum(((one - mean) ** 2 for one in results), Decimal(0))
    return (squares / (count - 1) / count).sqrt()


def _mean(results: Sequence[Decimal]) -> Decimal | None:
    return mean_of(results) if results else None
