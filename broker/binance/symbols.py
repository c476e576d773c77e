"""What the exchange says of its symbols, asked for once in a while."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from broker.binance.client import Client
from broker.binance.rules import Rules, rules_of
from engine.errors import BrokerSilent

_KEPT = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Symbols:
    """The symbols' rules; one that does not exist is remembered too."""

    client: Client
    _known: dict[str, tuple[datetime, Rules | None]] = field(default_factory=dict)

    async def rules(self, symbol: str) -> Rules | None:
        """A symbol's rules, or None when there is no such symbol; raises ``BrokerSilent``."""
        now = self.client.clock()
        kept = self._known.get(symbol)
        if kept is not None and now - kept[0] < _KEPT:
            return kept[1]
        told = await self.client.find("/api/v3/exchangeInfo", {"symbol": symbol})
        found = None if told is None else self._read(symbol, told)
        self._known[symbol] = (now, found)
        return found

    async def needed(self, symbol: str) -> Rules:
        """The same where there must be such a symbol; raises ``BrokerSilent``."""
        found = await self.rules(symbol)
        if found is None:
            raise BrokerSilent(f"the exchange has no {symbol}")
        return found

    def _read(self, symbol: str, told: Any) -> Rules:
        try:
            (shown,) = told["symbols"]
            found = rules_of(shown)
            limits = {
                (each["rateLimitType"], each["interval"]): each for each in told["rateLimits"]
            }
            weight = int(limits["REQUEST_WEIGHT", "MINUTE"]["limit"])
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise BrokerSilent(f"the rules of {symbol} make no sense: {error!r}"[:200]) from error
        if found.symbol != symbol or not weight > 0:
            raise BrokerSilent(f"the rules of {symbol} make no sense")
        self.client.limits.weight = weight
        return found
