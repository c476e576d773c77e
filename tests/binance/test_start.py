"""The settings that choose the exchange, and its books in a real database."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.settings import Settings
from bot.venues import build_venue
from broker.binance.market import BinanceMarket
from broker.binance.venue import BinanceBroker
from broker.feeds.stored import StoredMarket
from engine.domain.market import Timeframe
from engine.errors import InvalidInput
from engine.ports import Found
from storage.transaction import PostgresLedger
from tests.binance.rig import Rig

REAL = "https://api.binance.com"
GOOD: dict[str, Any] = {"binance_api_key": "k" * 64, "binance_api_secret": "s" * 64}


def built(**fields: Any) -> Any:
    """The venue of these settings."""
    nothing: Any = None
    settings = Settings(_env_file=None, broker="binance", **fields)  # type: ignore[call-arg]
    return build_venue(settings, nothing, nothing, lambda: datetime.now(UTC))


def test_the_settings_choose_the_test_network() -> None:
    made = built(**GOOD, binance_symbols="BTCUSDT:H1, ETHUSDT:M15", account_id="binance-1")
    assert isinstance(made.broker, BinanceBroker)
    assert isinstance(made.market, StoredMarket)
    assert isinstance(made.market.remote, BinanceMarket)
    assert made.market.source == "binance:testnet.binance.vision"
    assert not made.market.rests
    assert made.broker.is_live is False
    assert made.broker.account_id == "binance-1"
    assert made.watched.streams == (("BTCUSDT", Timeframe.H1), ("ETHUSDT", Timeframe.M15))
    assert "s" * 64 not in repr(made)
    assert "k" * 64 not in repr(made)


def test_the_real_exchange_is_live_and_needs_to_be_allowed() -> None:
    with pytest.raises(InvalidInput, match="LIVE_TRADING_ENABLED"):
        built(**GOOD, binance_url=REAL)
    assert built(**GOOD, binance_url=REAL, live_trading_enabled=True).broker.is_live is True
    assert built(**GOOD, live_trading_enabled=True).broker.is_live is False


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "BINANCE_API_KEY"),
        ({"binance_api_key": "k"}, "BINANCE_API_SECRET"),
        ({**GOOD, "binance_api_key": "key with spaces"}, "as Binance shows it"),
        ({**GOOD, "binance_url": "http://testnet.binance.vision"}, "BINANCE_URL"),
        ({**GOOD, "binance_symbols": "BTCUSDT"}, "BINANCE_SYMBOLS"),
        ({**GOOD, "binance_symbols": "BTCUSD=BTCUSDT:H1"}, "BINANCE_SYMBOLS"),
    ],
)
def test_wrong_settings_are_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        built(**fields)


@pytest.mark.usefixtures("opened")
async def test_the_books_are_kept_in_the_database(rig: Rig) -> None:
    ledger: Any = PostgresLedger()
    rig.ledger = ledger
    rig.server.faults = [("POST orderList/oco", "lose_after")]
    fill = await rig.broker().submit(rig.order())
    (position,) = await rig.broker().positions()
    assert (position.id, position.stop_loss) == (fill.broker_id, Decimal(59000))
    assert await rig.broker().look_up(rig.order().client_id) == Found(fill)
    change = await rig.broker().close(fill.broker_id, volume_left=Decimal(0), client_id="pc-1")
    assert await rig.broker().look_up_change("pc-1") == change
    assert len(await rig.broker().closed_since(datetime(2020, 1, 1, tzinfo=UTC))) == 1
