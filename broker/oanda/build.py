"""The parts of the venue put together."""

from collections.abc import Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo

from broker.oanda.client import Client
from broker.oanda.intake import Intake
from broker.oanda.log import Log
from broker.oanda.market import OandaMarket
from broker.oanda.symbols import Symbols
from broker.oanda.venue import OandaBroker
from engine.ports import VenueLedger


def build(
    client: Client, ledger: VenueLedger, names: Mapping[str, str], *, account_id: str,
    zone: ZoneInfo, slippage_pips: Decimal, is_live: bool = False,
) -> tuple[OandaMarket, OandaBroker]:  # fmt: skip
    """The market and the venue behind one client; ``names`` are OANDA's by ours, where told."""
    symbols = Symbols(client=client, named=names)
    market = OandaMarket(client=client, symbols=symbols, zone=zone)
    broker = OandaBroker(
        intake=Intake(client=client, symbols=symbols, market=market, slippage_pips=slippage_pips),
        log=Log(client=client, symbols=symbols),
        ledger=ledger,
        account_id=account_id,
        is_live=is_live,
    )
    return market, broker
