"""Paper at a venue's prices: nothing is sent there, and the logs hold every row once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.backtesting import SIGNALS, table
from bot.paper_record import Log
from bot.paper_reports import live
from bot.settings import Settings
from bot.venues import build_venue
from broker.live_paper import PricedMarket
from broker.paper import PaperBroker
from engine.domain.market import Timeframe
from engine.errors import BrokerSilent, InvalidInput
from tests.oanda import ACCOUNT, TOKEN
from tests.oanda.rig import rigged

ROWS: list[tuple[object, ...]] = [(f"2026-01-0{day}", "EURUSD") for day in range(1, 6)]


def _venue(**fields: Any) -> Any:
    nothing: Any = None
    settings = Settings(  # type: ignore[call-arg]
        _env_file=None, paper_market="oanda", oanda_token=TOKEN, oanda_account=ACCOUNT, **fields
    )
    return build_venue(settings, nothing, nothing, lambda: datetime.now(UTC))


def test_a_real_account_is_not_even_read() -> None:
    with pytest.raises(InvalidInput, match="OANDA_URL is not its practice"):
        _venue(oanda_url="https://api-fxtrade.oanda.com", live_trading_enabled=True)


async def test_orders_are_dealt_on_paper_at_the_venues_prices() -> None:
    async with rigged() as rig:
        opened = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H}:00:00.000000000Z"
        prices = {"o": "1.1", "h": "1.1", "l": "1.1", "c": "1.1"}
        rig.server.candles = [{"complete": True, "volume": 1, "time": opened, "bid": prices}]
        venue = _venue(oanda_symbols="EURUSD:H1, GBPUSD:M15")
        assert isinstance(venue.broker, PaperBroker)
        assert venue.broker.timeframe == "M15"
        assert not venue.broker.is_live
        priced = PricedMarket(market=rig.market())
        broker = PaperBroker(
            market=priced, ledger=rig.ledger, timeframe=venue.broker.timeframe, account_id="oanda-1"
        )
        fill = await broker.submit(rig.order())
        assert fill.price == Decimal("1.10011")
        assert (await broker.account()).balance == 10_000
        (held,) = await broker.positions()
        assert held.client_id == rig.order().client_id
        assert rig.account.trades == {}
        assert rig.account.orders == {}
        await venue.close()


async def test_a_market_that_does_not_answer_is_a_venue_that_does_not() -> None:
    async with rigged() as rig:
        rig.url = "http://127.0.0.1:9"
        priced = PricedMarket(market=rig.market())
        broker = PaperBroker(market=priced, ledger=rig.ledger, timeframe=Timeframe.H1)
        with pytest.raises(BrokerSilent):
            await broker.submit(rig.order())


async def test_a_file_is_no_live_market() -> None:
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    with pytest.raises(InvalidInput, match="--offline"):
        await live(settings, export=None, port=None, telegram=False, say=print)


@pytest.mark.parametrize("kept", [0, 1, 40, 10_000])
def test_a_log_that_was_cut_off_gets_the_rest_and_no_row_twice(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "logs" / "signals_log.csv"
    first = Log(path=path, head=SIGNALS)
    first.bring(ROWS[:2])
    first.bring(ROWS[:4])
    whole = path.read_bytes()
    assert whole == table(SIGNALS, ROWS[:4])
    path.write_bytes(whole[:kept])
    after = Log(path=path, head=SIGNALS)
    assert after.bring(ROWS) == 5
    assert path.read_bytes() == table(SIGNALS, ROWS)


def test_a_log_that_holds_something_else_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "signals_log.csv"
    path.write_text("another\n")
    log = Log(path=path, head=SIGNALS)
    log.bring(ROWS)
    assert path.read_bytes() == table(SIGNALS, ROWS)
    path.unlink()
    log.bring(ROWS[1:])
    assert path.read_bytes() == table(SIGNALS, ROWS[1:])
