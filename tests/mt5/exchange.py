"""The simulated terminal, with the netting accounts that the Expert Advisor's tests do not need."""

from dataclasses import dataclass

from tests.mql5.market import IN, Deal, Request
from tests.mql5.terminal import Terminal

INOUT = 2


@dataclass
class Exchange(Terminal):
    """On a netting account a deal against a position reduces it, ends it or turns it round."""

    def _open(self, request: Request, volume: float, price: float) -> Deal:
        held = next((p for p in self.positions.values() if p.symbol == request.symbol), None)
        if self.hedging or held is None:
            return super()._open(request, volume, price)
        if held.type == request.type:
            paid = held.price_open * held.volume + price * volume
            held.price_open = paid / (held.volume + volume)
            held.volume = round(held.volume + volume, 8)
            order = next(self._ids)
            held.sl, held.tp = request.sl or held.sl, request.tp or held.tp
            return self._book(held, IN, request.type, volume, price, request.magic, order, 0.0)
        if volume <= held.volume + 1e-9:
            return self._close(held, volume, price, request.magic, request.comment)
        over = round(volume - held.volume, 8)
        done = self._close(held, held.volume, price, request.magic, request.comment)
        self.positions[held.ticket] = held
        held.type, held.volume, held.price_open = request.type, over, price
        held.sl, held.tp, held.magic = request.sl, request.tp, request.magic
        done.entry, done.volume = INOUT, volume
        return done
