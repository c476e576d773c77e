"""What moves while history is played: the account's day, the trading state, what is held."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from engine.domain.account import Account, Direction, Position, TradingDay, day_with
from engine.domain.backtest import Resume
from engine.domain.conversion import convert
from engine.domain.market import Instrument, Quote
from engine.domain.order import ClosedTrade, Fill, Order
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import PastIdea, Valuation
from engine.domain.state import Control, HaltReason, Mode, TradingState
from engine.gate.limits import reached, target_open

_DAY = timedelta(days=1)


class Venue(Protocol):
    """A venue that stands after one candle and is moved on by its caller; nothing waits."""

    account_id: str

    @property
    def is_patient(self) -> bool:
        """Whether nothing happens to what is open between its levels, and it makes most and least
        where the closes are extreme.
        """
        ...

    @property
    def is_flat(self) -> bool:
        """Whether nothing is open."""
        ...

    def move(self, place: int) -> None:
        """Stand after a candle."""
        ...

    def play(self) -> Sequence[ClosedTrade]:
        """What the candles since the last time ended."""
        ...

    def account(self) -> Account:
        """The account at this candle's close."""
        ...

    def positions(self) -> tuple[Position, ...]:
        """What is open."""
        ...

    def equity(self) -> Decimal:
        """The account's, alone."""
        ...

    def between(self, first: int, end: int) -> tuple[Decimal, Decimal]:
        """The least and the most equity at the closes of a stretch in which nothing ends."""
        ...

    def sides(self) -> tuple[tuple[Direction, str | None], ...]:
        """The direction and the strategy of each open trade."""
        ...

    def submit(self, order: Order) -> Fill:
        """Deal; raises ``BrokerRefused``."""
        ...

    def restop(self, position_id: str, stop_loss: Decimal) -> None:
        """Another stop; raises ``BrokerRefused``."""
        ...

    def reduce(self, position_id: str, volume_left: Decimal) -> None:
        """Close down to so many lots; raises ``BrokerRefused``."""
        ...

    def next_end(self, after: int, end: int) -> int | None:
        """The first candle of a stretch that ends something; None when none does."""
        ...


@dataclass(slots=True)
class State:
    """The trading state and the account's day, as they are kept between candles.

    ``number`` counts ideas: their ids are made of it.
    """

    control: Control
    zone: tzinfo
    resume: Resume
    day: TradingDay | None = None
    recent: tuple[PastIdea, ...] = ()
    number: int = 0
    halts: list[tuple[datetime, HaltReason]] = field(default_factory=list)

    def measure(
        self, settings: RiskSettings, account_id: str, equity: Decimal, at: datetime
    ) -> None:
        """The account's day with this equity, and the halt it calls for, as a look at a real venue
        does it.
        """
        today = at.astimezone(self.zone).date()
        self._begin(today, at)
        self.day = day_with(self.day, account_id, equity, today)
        if self.control.state is not TradingState.RUNNING:
            return
        reason = reached(settings, equity, self.day)
        if reason is not None:
            self.halts.append((at, reason))
            control = self.control
            if reason is HaltReason.DAILY_LOSS and control.mode is Mode.AUTONOMOUS:
                control = control.with_mode(Mode.SUPERVISED, by="system", at=at)
            self.control = control.move(TradingState.HALTED, reason=str(reason), by="system", at=at)

    def _begin(self, today: date, at: datetime) -> None:
        """A new day lifts a halt, where that is wanted."""
        is_new = self.day is not None and today > self.day.day
        if is_new and self.resume is Resume.DAILY and self.control.state is TradingState.HALTED:
            self.control = replace(
                self.control, state=TradingState.RUNNING, mode=Mode.AUTONOMOUS, reason="new_day",
                changed_by="system", changed_at=at, version=self.control.version + 1,
            )  # fmt: skip

    def seen(self, at: datetime) -> tuple[PastIdea, ...]:
        """The ideas of the last day."""
        if self.recent and not at - _DAY <= self.recent[0].at:
            self.recent = tuple(idea for idea in self.recent if at - _DAY <= idea.at)
        return self.recent

    def next_id(self) -> UUID:
        """An id that no other idea has."""
        self.number += 1
        return UUID(int=self.number)


def valuation(known: Instrument, quote: Quote, currency: str) -> Valuation | None:
    """What a symbol is worth in a currency by its own quote; None where that needs another's."""
    conversion = convert(known, currency, {known.symbol: quote})
    if conversion is None:
        return None
    return Valuation(
        symbol=known.symbol,
        base=known.base,
        quote=known.quote,
        price=quote.ask,
        contract_size=known.contract_size,
        margin_rate=known.margin_rate,
        conversion=conversion,
    )


#: Which of the day's limits are reached: its loss, its drawdown, its target.
Limits = tuple[bool, bool, bool]
NO_LIMIT: Limits = (False, False, False)


def held_back(equity: Decimal, day: TradingDay, settings: RiskSettings) -> Limits:
    """The limits of a day that an equity reaches."""
    return (
        not day.loss_percent(equity) < settings.max_daily_loss_percent,
        not day.drawdown(equity) < settings.max_drawdown_amount,
        not target_open(settings, day.profit(equity)),
    )
