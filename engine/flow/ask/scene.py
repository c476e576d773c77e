"""What every look-up is given: the market's now, the broker's days, and what is watched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from engine.domain.ask import Asked, Evidence, Figure, Row
from engine.domain.market import Timeframe
from engine.domain.recorded import TradeLine
from engine.flow.ask.periods import Period, period_of
from engine.flow.usage import Limits
from engine.ports import Transaction

#: Records, trades and ideas that one question goes over at most.
MOST_RECORDS, MOST_TRADES, MOST_IDEAS = 200_000, 5_000, 20_000
#: Ideas that one question computes again at most.
MOST_REPLAYS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """``now`` is the market's, ``zone`` the broker's; ``limits`` are read for those who ask for
    them. ``currency`` is None while the venue does not answer.
    """

    now: datetime
    zone: tzinfo
    symbols: tuple[tuple[str, Timeframe], ...]
    currency: str | None
    limits: Limits | None = None

    def period(self, asked: Asked) -> Period:
        """The instants a question is about; raises ``InvalidInput``."""
        return period_of(asked.period, self.now, self.zone)


async def found_in(
    scene: Scene,
    tx: Transaction,
    asked: Asked,
    *,
    figures: Row,
    rows: Sequence[Row] = (),
    records: Sequence[int] = (),
    ideas: Sequence[tuple[int, object]] = (),
    is_empty: bool,
) -> Evidence:
    """Evidence of a period. When nothing was found it says whether there could be anything: another
    symbol, or a time before or after what is recorded, is no "none".
    """
    period = scene.period(asked)
    missing: str | None = None
    more: dict[str, Figure] = {}
    if is_empty:
        extent = await tx.recorded.extent()
        if extent.first is None or extent.last is None:
            missing = "nothing"
        elif asked.symbol is not None and asked.symbol not in extent.symbols:
            missing, more = "symbol", {"recorded": ", ".join(extent.symbols)}
        elif period.until <= extent.first or period.since > extent.last:
            missing, more = "period", {"first": extent.first, "last": extent.last}
    return Evidence(
        asked=asked,
        figures={**figures, **more},
        rows=tuple(rows),
        records=tuple(dict.fromkeys(records))[:8],
        ideas=tuple(ideas),  # type: ignore[arg-type]
        since=period.since,
        until=period.until,
        currency=scene.currency,
        missing=missing,
    )


def too_many(scene: Scene, asked: Asked) -> Evidence:
    """More than may be gone over: a part of it would be another answer."""
    period = scene.period(asked)
    return Evidence(asked=asked, since=period.since, until=period.until, missing="too_many")


def lacks(asked: Asked, missing: str, **figures: Figure) -> Evidence:
    """What is asked for is not recorded."""
    return Evidence(asked=asked, figures=figures, missing=missing)


async def names_of(tx: Transaction) -> Mapping[str, str]:
    """Who acts, as people call them."""
    return {f"person:{person.id}": person.name for person in await tx.people.list()}


@dataclass(frozen=True, slots=True)
class Whole:
    """A trade with all its parts: where it ended for good, and what it made."""

    line: TradeLine
    profit: Decimal


def whole(lines: Sequence[TradeLine]) -> list[Whole]:
    """Trades of one order as the one trade they were, in the order in which they ended."""
    parts: dict[str, list[TradeLine]] = {}
    for line in lines:
        parts.setdefault(line.client_id or f"position {line.position_id}", []).append(line)
    made = [Whole(some[-1], sum((p.profit for p in some), Decimal(0))) for some in parts.values()]
    return sorted(made, key=lambda trade: (trade.line.closed_at, trade.line.position_id))
