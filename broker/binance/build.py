"""The parts of the venue put together."""

from broker.binance.client import Client
from broker.binance.desk import Desk
from broker.binance.guards import Guards
from broker.binance.keeper import Keeper
from broker.binance.market import BinanceMarket
from broker.binance.notes import Notes
from broker.binance.symbols import Symbols
from broker.binance.venue import BinanceBroker
from engine.ports import VenueLedger


def build(
    client: Client, ledger: VenueLedger, symbols: tuple[str, ...], *, account_id: str,
    is_live: bool = False,
) -> tuple[BinanceMarket, BinanceBroker]:  # fmt: skip
    """The market and the venue behind one client."""
    known = Symbols(client=client)
    market = BinanceMarket(client=client, symbols=known)
    desk = Desk(client=client, symbols=known, market=market)
    notes = Notes(desk=desk)
    broker = BinanceBroker(
        keeper=Keeper(desk=desk, notes=notes, guards=Guards(desk=desk, notes=notes)),
        ledger=ledger,
        symbols=symbols,
        account_id=account_id,
        is_live=is_live,
    )
    return market, broker
