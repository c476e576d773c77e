"""How good the confidence was: scores against outcomes, with how far the figures can be trusted."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.domain.outcome import Result, Tally
from engine.domain.values import quantize

#: The normal distribution's 97.5 % quantile: two of them enclose 95 %.
_Z = Decimal("1.959963984540054")
_PLACES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Ideas that ended in the market and have something in common; ``total_r`` is their sum."""

    name: str
    reached: int
    stopped: int
    timed_out: int
    total_r: Decimal

    @property
    def ideas(self) -> int:
        """How many ended."""
        return self.reached + self.stopped + self.timed_out

    @property
    def hit_rate(self) -> Decimal | None:
        """The part that reached its target, 0 to 1; None without ideas."""
        return quantize(Decimal(self.reached) / self.ideas, _PLACES) if self.ideas else None

    @property
    def mean_r(self) -> Decimal | None:
        """The mean result in R; None without ideas."""
        return quantize(self.total_r / self.ideas, _PLACES) if self.ideas else None

    @property
    def interval(self) -> tuple[Decimal, Decimal] | None:
        """Where the true hit rate lies, with 95 % confidence; None without ideas."""
        return wilson(self.reached, self.ideas) if self.ideas else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The whole and its parts; a part without ended ideas is left out. ``open`` ideas have not
    ended yet, ``unknown`` ones cannot be measured.
    """

    whole: Band
    by_score: tuple[Band, ...]
    by_strategy: tuple[Band, ...]
    by_symbol: tuple[Band, ...]
    open: int
    unknown: int


def calibrate(tallies: Sequence[Tally], *, of: str | None = None) -> Calibration:
    """Count ideas by score, strategy and symbol; scores rise, the others go by number of ideas.

    With ``of`` only those of one symbol or one strategy, by name in any case.
    """
    if of is not None:
        wanted = of.casefold()
        tallies = [t for t in tallies if wanted in (t.symbol.casefold(), t.strategy.casefold())]
    ended = [t for t in tallies if t.result not in (None, Result.UNKNOWN)]
    return Calibration(
        whole=_band("", ended),
        by_score=tuple(
            _band(bucket_name(bucket), [t for t in ended if t.bucket == bucket])
            for bucket in sorted({tally.bucket for tally in ended})
        ),
        by_strategy=_bands(ended, lambda tally: tally.strategy),
        by_symbol=_bands(ended, lambda tally: tally.symbol),
        open=sum(t.ideas for t in tallies if t.result is None),
        unknown=sum(t.ideas for t in tallies if t.result is Result.UNKNOWN),
    )


def bucket_name(bucket: int) -> str:
    """The scores of a bucket: 0–9, 10–19 … 90–100."""
    return f"{bucket * 10}–{100 if bucket == 9 else bucket * 10 + 9}"


def _bands(tallies: Iterable[Tally], name: Callable[[Tally], str]) -> tuple[Band, ...]:
    groups: defaultdict[str, list[Tally]] = defaultdict(list)
    for tally in tallies:
        groups[name(tally)].append(tally)
    bands = [_band(key, group) for key, group in groups.items()]
    return tuple(sorted(bands, key=lambda band: (-band.ideas, band.name)))


def _band(name: str, tallies: Sequence[Tally]) -> Band:
    def count(result: Result) -> int:
        return sum(tally.ideas for tally in tallies if tally.result is result)

    return Band(
        name=name,
        reached=count(Result.TARGET),
        stopped=count(Result.STOP),
        timed_out=count(Result.TIMED_OUT),
        total_r=sum((tally.total_r for tally in tallies), Decimal(0)),
    )


def wilson(hits: int, trials: int) -> tuple[Decimal, Decimal]:
    """The 95 % score interval of a proportion, 0 to 1, rounded to four digits.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal
    of the American Statistical Association 22 (1927), pp. 209–212. It stays honest for few trials:
    one hit of one is 21 to 100 %. It takes the trials for independent; ideas of the same hours are
    not quite, so that the true interval is wider rather than narrower.
    """
    n, p = Decimal(trials), Decimal(hits) / trials
    square = _Z * _Z
    centre = p + square / (2 * n)
    half = _Z * (p * (1 - p) / n + square / (4 * n * n)).sqrt()
    scale = 1 + square / n
    low = max(Decimal(0), (centre - half) / scale)
    high = min(Decimal(1), (centre + half) / scale)
    return quantize(low, _PLACES), quantize(high, _PLACES)
