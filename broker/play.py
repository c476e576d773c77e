"""What the market does to the trades of the paper broker, candle by candle."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from broker.books import Books
from broker.exits import exit_of
from broker.held import Held, split_off
from broker.still import Moment
from broker.terms import nights
from broker.till import Till
from engine.domain.account import Direction
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.domain.order import ClosedTrade
from engine.domain.values import quantize

Steps = dict[datetime, list[tuple[Held, Candle]]]


def worse(way: Direction, quote: Quote, known: Instrument, pips: Decimal) -> Decimal:
    """Where a market order of a direction is dealt: its side of the quote, so many pips worse."""
    price = quote.ask if way is Direction.BUY else quote.bid
    return quantize(price + way.sign * pips * known.pip, known.digits)


@dataclass(frozen=True, kw_only=True)
class Play:
    """Plays each candle once, the oldest first and all symbols of one instant together: nights are
    charged, stops and targets hit, and at the candle's close the margin looked at. However seldom
    it is called, the books come out the same, but for the rates of other pairs, which are today's.
    """

    market: Moment
    till: Till
    timeframe: Timeframe
    slippage_pips: Decimal
    zone: tzinfo

    def catch_up(self, books: Books) -> None:
        """Play what no position has seen yet."""
        steps: Steps = defaultdict(list)
        spreads: dict[str, Decimal] = {}
        for held in books.positions:
            quote = self.market.quote(held.symbol)
            spreads[held.symbol] = quote.spread if quote else Decimal(0)
            after = held.seen
            for candle in self.market.candles_since(held.symbol, after):
                steps[candle.time].append((held, candle))
        closes: dict[str, Quote] = {}
        for opened in sorted(steps):
            at = opened + self.timeframe.length
            for held, candle in steps[opened]:
                spread = spreads[held.symbol]
                if self.till.terms.stop_out_percent:
                    closes[held.symbol] = Quote(candle.close, candle.close + spread, at)
                if held in books.positions:
                    held.seen = opened
                    self._roll(held, opened)
                    self._play(books, held, candle, spread)
            self._stop_out(books, closes, at)
        if books.positions:
            for held in books.positions:
                self._roll(held, self.market.instant)

    def _roll(self, held: Held, until: datetime) -> None:
        """Charge the nights since the last time."""
        after = held.rolled or held.seen
        if not until > after:
            return
        held.rolled = until
        if count := nights(after, until, self.zone):
            known = self.market.instrument(held.symbol)
            charged = self.till.night(held, count, known)
            held.swap += charged

    def _play(self, books: Books, held: Held, candle: Candle, spread: Decimal) -> None:
        at = candle.time + self.timeframe.length
        while (ended := exit_of(held, candle, spread)) is not None:
            price, reason = ended
            # It left at this price, so that a rate which is the symbol's own price was this one.
            bid = price if held.direction is Direction.BUY else price - spread
            quote = Quote(bid, bid + spread, candle.time)
            if reason != "take_profit" or len(held.targets) == 1:
                books.positions.remove(held)
                self.settle(books, held, price, reason, quote, at)
                return
            self.settle(books, split_off(held), price, reason, quote, at)

    def _stop_out(self, books: Books, closes: dict[str, Quote], at: datetime) -> None:
        """Close the worst trade, one after the other, while the margin level is too low."""
        level = self.till.terms.stop_out_percent
        while level and books.positions:
            made = [(self.net(held, closes), held) for held in books.positions]
            equity = books.balance + sum((net for net, _ in made), Decimal(0))
            if equity * 100 > self.margin_used(books) * level:
                return
            worst = min(made, key=lambda pair: pair[0])[1]
            quote = closes.get(worst.symbol) or self.market.quote(worst.symbol)
            if quote is None:
                return
            known = self.market.instrument(worst.symbol)
            price = worse(worst.leaving, quote, known, self.slippage_pips)
            books.positions.remove(worst)
            self.settle(books, worst, price, "stop_out", quote, at)

    def net(self, held: Held, closes: dict[str, Quote]) -> Decimal:
        """What a position would make if it was closed at these prices, or at those of now."""
        quote = closes.get(held.symbol) or self.market.quote(held.symbol)
        known = self.market.instrument(held.symbol)
        return (self.till.result(held, exit_price(held, quote), known, quote)).net

    def margin_used(self, books: Books) -> Decimal:
        """The margin of all that is open, in account currency."""
        total = Decimal(0)
        for held in books.positions:
            known = self.market.instrument(held.symbol)
            total += self.till.margin(held.entry_price, held.volume, known)
        return total

    def settle(
        self,
        books: Books,
        held: Held,
        price: Decimal,
        reason: str,
        quote: Quote,
        at: datetime,
    ) -> None:
        """Write an end down, and pay what it made."""
        known = self.market.instrument(held.symbol)
        made = self.till.result(held, price, known, quote)
        books.balance += made.net
        trade = ClosedTrade(
            position_id=held.id,
            client_id=held.client_id,
            symbol=held.symbol,
            direction=held.direction,
            volume=held.volume,
            entry_price=held.entry_price,
            exit_price=price,
            profit=made.net,
            commission=made.commission,
            swap=made.swap,
            opened_at=held.opened_at,
            closed_at=at,
            reason=reason,
        )
        books.ended.append(trade)


def exit_price(held: Held, quote: Quote | None) -> Decimal:
    """What a position is valued at: its entry while there is no quote."""
    if quote is None:
        return held.entry_price
    return quote.bid if held.leaving is Direction.SELL else quote.ask
