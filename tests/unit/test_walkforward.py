"""The search finds a known optimum, proposes nothing of noise, and never looks ahead."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest

from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.research.space import axes_of, trials
from engine.research.walkforward import Found, Window, folds_of, search
from engine.scoring.metrics import Trade
from engine.strategies.documents import shipped

D, DAY = Decimal, timedelta(days=1)
START = datetime(2025, 1, 1, tzinfo=UTC)
WHOLE = Window(START, START + 365 * DAY)
(EMA, PULLBACK) = shipped()[:2]


def rsi(strategy: Strategy) -> int:
    """The number that the search may change."""
    return int(next(c.argument for c in strategy.entry_conditions if c.name == "rsi_below"))


@dataclass
class Market:
    """A past in which ``best`` is the right number; ``edge`` is how much being right brings, and
    ``turns`` when the right number becomes ``later``.
    """

    best: int = 50
    edge: float = 0.6
    noise: float = 0.3
    later: int | None = None
    turns: datetime = WHOLE.end
    asked: list[tuple[int, Window]] = field(default_factory=list)

    async def evaluate(self, document: Strategy, window: Window) -> tuple[Trade, ...]:
        number = rsi(document)
        self.asked.append((number, window))
        chance = Random(f"{number} {window.start}")
        made, at = [], window.start + timedelta(hours=5)
        while at < window.end:
            best = self.best if self.later is None or at < self.turns else self.later
            mean = self.edge - abs(number - best) * 0.06
            r = D(str(round(chance.gauss(mean, self.noise), 6)))
            made.append(Trade(closed_at=at, profit=r * 50, r=r))
            at += timedelta(hours=31)
        return tuple(made)


async def searched(market: Market, *, count: int = 4, strategy: Strategy = PULLBACK) -> Found:
    tried = trials(strategy, axes_of(strategy), most=40, seed=1)
    return await search(market, tried, folds_of(WHOLE, count=count, embargo=DAY))


async def test_a_known_optimum_is_found_and_worth_proposing() -> None:
    found = await searched(Market(best=50))
    assert (rsi(PULLBACK), rsi(found.best.strategy)) == (45, 50)
    assert found.refusal is None
    assert found.outside is not None
    assert found.baseline is not None
    assert found.outside > found.baseline + D("0.2")
    assert len(found.folds) == 4
    for fold in found.folds:
        assert fold.outside is not None
        assert fold.baseline is not None
        assert fold.outside > fold.baseline


async def test_the_same_search_twice_is_the_same() -> None:
    assert await searched(Market()) == await searched(Market())


async def test_where_the_present_numbers_are_best_nothing_is_proposed() -> None:
    found = await searched(Market(best=45, noise=0.05))
    assert found.refusal == "present_is_best"


@pytest.mark.parametrize("seed", range(8))
async def test_noise_is_not_proposed(seed: int) -> None:
    """No number is right: what looks best in a train is nothing in its test."""
    noise = Market(best=45, edge=0.0, noise=1.0 + seed / 10)

    async def flat(document: Strategy, window: Window) -> tuple[Trade, ...]:
        chance = Random(f"{seed} {rsi(document)} {window.start}")
        shown = await Market.evaluate(noise, document, window)
        values = [D(str(round(chance.gauss(-0.05, 1.0), 6))) for _ in shown]
        return tuple(
            Trade(closed_at=one.closed_at, profit=r, r=r)
            for one, r in zip(shown, values, strict=True)
        )

    noise.evaluate = flat  # type: ignore[method-assign]
    assert (await searched(noise)).refusal is not None


async def test_a_market_that_turned_in_the_last_test_refuses_the_old_choice() -> None:
    last = folds_of(WHOLE, count=4, embargo=DAY)[-1]
    found = await searched(Market(best=56, later=36, turns=last.test.start))
    assert rsi(found.best.strategy) == 56
    assert found.refusal == "last_test_failed"


async def test_what_happens_in_a_test_moves_no_choice() -> None:
    """The leak detector: another future, the same choices."""
    folds = folds_of(WHOLE, count=4, embargo=DAY)
    tests = [fold.test for fold in folds]

    class Poisoned(Market):
        async def evaluate(self, document: Strategy, window: Window) -> tuple[Trade, ...]:
            found = await super().evaluate(document, window)
            if window not in tests:
                return found
            return tuple(
                Trade(closed_at=one.closed_at, profit=-one.profit, r=-one.r if one.r else None)
                for one in found
            )

    plain, poisoned = Market(), Poisoned()
    first, second = await searched(plain), await searched(poisoned)
    assert first.best == second.best
    assert plain.asked == poisoned.asked
    assert [one.inside for one in first.folds] == [one.inside for one in second.folds]
    assert [one.outside for one in first.folds] != [one.outside for one in second.folds]
    assert second.refusal is not None


async def test_a_test_is_looked_at_after_its_choice_by_the_choice_and_the_present_alone() -> None:
    market, folds = Market(), folds_of(WHOLE, count=3, embargo=2 * DAY)
    tried = trials(PULLBACK, axes_of(PULLBACK), most=40, seed=1)
    await search(market, tried, folds)
    asked = market.asked
    for fold in folds:
        inside = [place for place, (_, window) in enumerate(asked) if window == fold.train]
        outside = [place for place, (_, window) in enumerate(asked) if window == fold.test]
        assert len(inside) == len(tried)
        assert max(inside) < min(outside)
        assert len(outside) == 2
        assert asked[outside[1]][0] == rsi(PULLBACK)
    for place, (_, window) in enumerate(asked):
        later = [other for _, other in asked[place:]]
        assert all(other.end > window.start for other in later)


@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("embargo", [timedelta(0), timedelta(hours=3), 5 * DAY])
def test_spans_never_overlap_and_keep_their_embargo(count: int, embargo: timedelta) -> None:
    folds = folds_of(WHOLE, count=count, embargo=embargo)
    assert len(folds) == count
    for fold in folds:
        assert WHOLE.start <= fold.train.start < fold.train.end
        assert fold.test.start - fold.train.end == embargo
        assert fold.test.start < fold.test.end <= WHOLE.end
    for one, after in pairwise(folds):
        assert one.test.end <= after.test.start + timedelta(microseconds=10)
        assert one.train.start < after.train.start


@pytest.mark.parametrize(("count", "days"), [(1, 365), (0, 365), (4, 1), (12, 10)])
def test_too_few_folds_or_days_are_refused(count: int, days: int) -> None:
    with pytest.raises(InvalidInput):
        folds_of(Window(START, START + days * DAY), count=count, embargo=DAY)


async def test_an_evaluator_that_looks_ahead_is_caught() -> None:
    class Ahead(Market):
        async def evaluate(self, document: Strategy, window: Window) -> tuple[Trade, ...]:
            return await super().evaluate(document, Window(window.start, window.end + 3 * DAY))

    with pytest.raises(InvalidInput, match="outside of its span"):
        await searched(Ahead())


async def test_too_few_trades_are_never_enough() -> None:
    class Rare(Market):
        async def evaluate(self, document: Strategy, window: Window) -> tuple[Trade, ...]:
            return (await super().evaluate(document, window))[:11]

    assert (await searched(Rare(), count=2)).refusal in ("too_few_trades", None)

    class Never(Market):
        async def evaluate(self, document: Strategy, window: Window) -> tuple[Trade, ...]:
            return ()

    found = await searched(Never())
    assert (found.refusal, found.outside, found.trades_outside) == ("present_is_best", None, 0)


@pytest.mark.parametrize("strategy", shipped(), ids=lambda one: one.name)
def test_candidates_change_numbers_alone_and_are_the_same_on_every_machine(
    strategy: Strategy,
) -> None:
    axes = axes_of(strategy)
    found = trials(strategy, axes, most=30, seed=7)
    assert found == trials(strategy, axes, most=30, seed=7)
    assert found[0].strategy == strategy
    assert 1 < len(found) <= 31
    assert len({one.strategy for one in found}) == len(found)
    for one in found:
        made = one.strategy
        assert made.risk_caps == strategy.risk_caps
        assert made.session_windows == strategy.session_windows
        assert made.forbidden_conditions == strategy.forbidden_conditions
        assert made.allowed_symbols == strategy.allowed_symbols
        assert (made.id, made.version, made.is_active) == (
            strategy.id, strategy.version, strategy.is_active,
        )  # fmt: skip
    if len(axes) > 1:
        assert trials(strategy, axes, most=8, seed=1) != trials(strategy, axes, most=8, seed=2)
