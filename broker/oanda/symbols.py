"""What OANDA calls our symbols, and what it says of them, asked for once in a while."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from broker.oanda.client import Client
from broker.oanda.rules import Rules, rules_of
from engine.errors import BrokerSilent, InvalidInput

_KEPT = timedelta(minutes=10)
_NONSENSE = (InvalidInput, LookupError, TypeError, ValueError, ArithmeticError)


@dataclass(slots=True)
class _Known:
    at: datetime | None = None
    shown: dict[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Symbols:
    """``named`` are OANDA's names by ours, where leaving the line out does not make ours of them:
    ``EUR_USD`` is EURUSD by itself.
    """

    client: Client
    named: Mapping[str, str] = field(default_factory=dict)
    _known: _Known = field(default_factory=_Known)

    async def rules(self, symbol: str) -> Rules | None:
        """A symbol's rules, or None when OANDA has none for this account; raises
        ``BrokerSilent``.
        """
        shown = await self._shown()
        name = self.named.get(symbol) or next((n for n in shown if self.ours(n) == symbol), None)
        if name is None or name not in shown:
            return None
        try:
            return rules_of(symbol, shown[name])
        except _NONSENSE as error:
            raise BrokerSilent(f"the rules of {symbol} make no sense: {error!r}"[:200]) from error

    async def needed(self, symbol: str) -> Rules:
        """The same where there must be such a symbol; raises ``BrokerSilent``."""
        found = await self.rules(symbol)
        if found is None:
            raise BrokerSilent(f"OANDA has no {symbol} for this account")
        return found

    async def of(self, name: str) -> Rules:
        """The rules of one of OANDA's names; raises ``BrokerSilent``."""
        return await self.needed(self.ours(name))

    def ours(self, name: str) -> str:
        """Our name of one of OANDA's."""
        told = next((symbol for symbol, theirs in self.named.items() if theirs == name), None)
        return told or name.replace("_", "")[:24]

    async def _shown(self) -> Mapping[str, Mapping[str, Any]]:
        now, known = self.client.clock(), self._known
        if known.at is None or not timedelta() <= now - known.at < _KEPT:
            told = await self.client.read(self.client.of_account("/instruments"))
            try:
                known.shown = {str(each["name"]): each for each in told["instruments"]}
            except _NONSENSE as error:
                raise BrokerSilent(f"the instruments make no sense: {error!r}"[:200]) from error
            known.at = now
        return known.shown
