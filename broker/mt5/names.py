"""What the broker behind a connector calls our symbols."""

from dataclasses import dataclass, field

from broker.mt5.client import Connector
from engine.errors import BrokerSilent
from engine.flow.terminal_wishes import Watched, matched


@dataclass(kw_only=True)
class Names:
    """Those that were told, and those that the broker's own list makes clear."""

    connector: Connector
    watched: Watched
    _listed: frozenset[str] = frozenset()
    _found: dict[str, str | None] = field(default_factory=dict)

    async def of(self, symbol: str) -> str | None:
        """The broker's name, or None when it is not clear; raises ``BrokerSilent``."""
        told = self.watched.names.get(symbol)
        if told is not None:
            return told
        if symbol not in self._found:
            if not self._listed:
                await self._list()
            self._found[symbol] = matched(symbol, self._listed)
        return self._found[symbol]

    def ours(self, name: str) -> str:
        """Our name of a broker's; its own, as far as it fits, where we have none."""
        for symbol, theirs in (*self.watched.names.items(), *self._found.items()):
            if theirs == name:
                return symbol
        return name[:24]

    async def settle(self) -> None:
        """Find the names of all that is watched, so that :meth:`ours` knows them."""
        for symbol in self.watched.symbols:
            await self.of(symbol)

    async def _list(self) -> None:
        told = await self.connector.read("/mt5/symbols")
        names = told.get("names")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise BrokerSilent("the connector shows no symbols")
        self._listed = frozenset(names)
