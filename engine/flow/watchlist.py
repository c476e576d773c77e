"""The watch list: which symbols may be traded without asking, each with how it stands."""

from dataclasses import dataclass

from engine.domain.person import Role
from engine.domain.settings import RiskSettings
from engine.errors import BrokerSilent, InvalidInput, NotFound
from engine.flow.people import person_at_least
from engine.ports import Broker, MarketData, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A symbol of the list. ``known`` says whether the market has it, ``asked`` which active
    strategies are for it; ``open_trades`` is None while the venue does not answer.
    """

    symbol: str
    known: bool
    paused: bool
    asked: tuple[str, ...]
    open_trades: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchlist:
    """The list in force, its version, and symbols that are evaluated although not on it."""

    version: int
    settings: RiskSettings
    symbols: tuple[Watched, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWatchlist:
    """The watch list, for whoever may look. ``symbols`` are those the market is evaluated for."""

    store: Store
    market: MarketData
    broker: Broker
    symbols: tuple[str, ...]

    async def __call__(self, person_id: int) -> Watchlist:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            version, settings = await tx.settings.risk()
            strategies = await tx.settings.strategies()
            control = await tx.controls.read()
        held = await self._held()
        active = [strategy for strategy in strategies if strategy.is_active]
        found = [
            Watched(
                symbol=symbol,
                known=await knows(self.market, symbol),
                paused=symbol in control.paused_symbols,
                asked=tuple(s.name for s in active if symbol in s.allowed_symbols),
                open_trades=None if held is None else held.count(symbol),
            )
            for symbol in settings.watchlist
        ]
        others = tuple(symbol for symbol in self.symbols if symbol not in settings.watchlist)
        return Watchlist(version=version, settings=settings, symbols=tuple(found), others=others)

    async def _held(self) -> list[str] | None:
        try:
            return [position.symbol for position in await self.broker.positions()]
        except BrokerSilent:
            return None

    async def must_know(self, before: RiskSettings, after: RiskSettings) -> None:
        """Raise :class:`InvalidInput` for a symbol that is new in a list and that the market does
        not have; what was listed before may stay.
        """
        for symbol in after.watchlist:
            if symbol not in before.watchlist and not await knows(self.market, symbol):
                raise InvalidInput(
                    f"the market does not know {symbol}; it has: {', '.join(self.symbols)}",
                    mistake="symbol_unknown",
                    symbol=symbol,
                    known=", ".join(self.symbols),
                )

    async def spelled(self, settings: RiskSettings, text: str) -> str:
        """A symbol as the list or the market writes it; in capitals where neither has it."""
        alike = (one for one in settings.watchlist if one.upper() == text.upper())
        listed = next(alike, None)
        if listed is not None or await knows(self.market, text):
            return listed or text
        return text.upper()


def with_symbol(settings: RiskSettings, symbol: str) -> tuple[str, ...]:
    """The list with a symbol more; one that is there already changes nothing."""
    rest = tuple(other for other in settings.watchlist if other != symbol)
    return settings.watchlist if len(rest) < len(settings.watchlist) else (*rest, symbol)


def without_symbol(settings: RiskSettings, symbol: str) -> tuple[str, ...]:
    """The list without a symbol; raises :class:`InvalidInput` where it is not listed."""
    if symbol not in settings.watchlist:
        raise InvalidInput(
            f"{symbol[:24]} is not on the watch list",
            mistake="symbol_off_list",
            symbol=symbol[:24],
            known=", ".join(settings.watchlist),
        )
    return tuple(other for other in settings.watchlist if other != symbol)


async def knows(market: MarketData, symbol: str) -> bool:
    """Whether the market has a symbol."""
    try:
        await market.instrument(symbol)
    except NotFound:
        return False
    return True
