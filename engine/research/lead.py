"""Open trades led by their strategy's rules while history is played: the same wishes as live.

The venue takes a new stop, or closes a part, at the candle's close; live that is a moment later.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol

from engine.domain.account import Direction, Position
from engine.domain.conversion import convert
from engine.domain.order import ClosedTrade, Order
from engine.domain.position_orders import Rule
from engine.domain.strategy import Strategy
from engine.errors import BrokerRefused
from engine.gate.management import costs
from engine.gate.steward import Held, Wish, best_price, wishes
from engine.research.eyes import Eyes
from engine.strategies.stages import needs_atr


class Manageable(Protocol):
    """A venue whose open trades can be given another stop, or closed in part."""

    def positions(self) -> tuple[Position, ...]:
        """What is open."""
        ...

    def restop(self, position_id: str, stop_loss: Decimal) -> None:
        """Another stop; raises ``BrokerRefused``."""
        ...

    def reduce(self, position_id: str, volume_left: Decimal) -> None:
        """Close down to so many lots; raises ``BrokerRefused``."""
        ...


@dataclass(slots=True)
class _Story:
    """A trade that is led: the order that opened it, after which candle, what was done since."""

    order: Order
    strategy: Strategy
    place: int
    done: set[tuple[Rule, int]] = field(default_factory=set)


@dataclass(eq=False)
class Lead:
    """Asks for what the rules want of each trade after a candle."""

    eyes: Eyes
    currency: str
    _stories: dict[str, _Story] = field(default_factory=dict)

    @property
    def is_busy(self) -> bool:
        """Whether a trade is led: it has to be looked at after each candle."""
        return bool(self._stories)

    def opened(self, order: Order, strategy: Strategy, place: int) -> None:
        """A trade was opened; it is led where its strategy has rules for that."""
        if strategy.exit_rules.distances:
            self._stories[order.client_id] = _Story(order, strategy, place)

    def told(self, trade: ClosedTrade) -> ClosedTrade:
        """A trade with why it ended: what was closed at the market here was closed by a rule."""
        if trade.reason != "manual":
            return trade
        return replace(trade, reason=str(Rule.PARTIAL_TARGET))

    def __call__(self, place: int, venue: Manageable) -> None:
        """One look at all that is led."""
        if not self._stories:
            return
        held = {position.client_id: position for position in venue.positions()}
        self._stories = {name: story for name, story in self._stories.items() if name in held}
        for name, story in self._stories.items():
            position = held[name]
            seen = self._held(place, position, story)
            for wish in wishes(story.strategy.exit_rules, seen, story.done):
                story.done.add((wish.rule, wish.step))
                _take(venue, position, wish)

    def _held(self, place: int, position: Position, story: _Story) -> Held:
        eyes, quote = self.eyes, self.eyes.quote(place)
        rules = story.strategy.exit_rules
        atr = eyes.atr(place) if any(needs_atr(text) for text in rules.distances) else None
        quotes = {position.symbol: quote}
        rate = convert(eyes.instrument, self.currency, quotes, gain=position.profit > 0)
        return Held(
            position=position,
            instrument=eyes.instrument,
            quote=quote,
            first_stop=story.order.stop_loss,
            targets=story.order.take_profit,
            best=best_price(position, quote, [eyes.columns.candle(self._best(story, place))]),
            atr=atr,
            charged=None if rate is None else costs(position, quote, eyes.instrument, rate.rate),
        )

    def _best(self, story: _Story, place: int) -> int:
        """The candle since the trade was opened at which it could have been left best."""
        first, columns = story.place + 1, self.eyes.columns
        if story.order.direction is Direction.BUY:
            return first + int(columns.high[first : place + 1].argmax())
        return first + int(columns.low[first : place + 1].argmin())


def _take(venue: Manageable, position: Position, wish: Wish) -> None:
    try:
        if wish.stop_loss is not None:
            venue.restop(position.id, wish.stop_loss)
        if wish.volume_left is not None:
            venue.reduce(position.id, wish.volume_left)
    except BrokerRefused:
        # As live: a step that the venue refused is not asked for again on this candle.
        return
