"""The same trade in many symbols and currencies: sized by hand, by us, and lost on paper."""

from dataclasses import replace
from decimal import Decimal

import pytest

from broker.instruments import instrument
from broker.paper import PaperBroker
from engine.domain.conversion import convert
from engine.domain.market import Timeframe
from engine.domain.settings import RiskSettings
from engine.domain.strategy import RiskCaps
from engine.gate.sizing import size
from tests.builders import HOUR, NOW, account, bundle, candle, order, proposal, quote, strategy
from tests.fakes import HandMarket, MemoryLedger

#: Without spreads, and so that they agree with each other: a figure is easily done by hand.
MARKET = {
    name: quote(price, price)
    for name, price in {
        "EURUSD": "1.25000", "GBPUSD": "1.56250", "USDJPY": "150.000", "EURJPY": "187.500",
        "EURGBP": "0.80000", "USDTUSD": "1.0000", "XAUUSD": "2000.00", "US500": "5000.0",
        "GER40": "16000.0", "JP225": "37500.0", "BTCUSDT": "60000.00",
    }.items()
}  # fmt: skip
#: The same wealth in each currency; one percent of it may be lost.
EQUITY = {"USD": "10000", "EUR": "8000", "GBP": "6400", "JPY": "1500000", "USDT": "10000"}
#: How far the stop is below the price.
STOP = {
    "EURUSD": "0.00230", "GBPUSD": "0.00370", "USDJPY": "0.700", "EURJPY": "0.800",
    "EURGBP": "0.00230", "XAUUSD": "7.00", "US500": "23.0", "GER40": "70.0", "JP225": "130.0",
    "BTCUSDT": "3100.00",
}  # fmt: skip

# EURUSD in dollars: 0.0023 × 100,000 = 230 a lot; 100 ÷ 230 = 0.43; 0.43 × 125,000 × 3.33 % held.
# EURUSD in euros: 230 dollars are 184.34 euros at the stop's 1.2477; 80 ÷ 184.34 = 0.43.
# JP225 in pounds: 130 yen ÷ 150 ÷ 1.5625 = 0.55467 a lot; 64 ÷ 0.55467 = 115.3.
# BTCUSDT: 100 ÷ 3,100 = 0.03225; the whole 1,935 are held.
TABLE = """
    symbol   account  volume      risk     margin
    EURUSD   USD        0.43     98.90    1789.88
    EURUSD   EUR        0.43     79.27    1431.90
    EURUSD   JPY        0.43  14835.00  268481.25
    EURUSD   GBP        0.43     63.30    1145.52
    EURUSD   USDT       0.43     98.90    1789.88
    GBPUSD   USD        0.27     99.90    1404.84
    GBPUSD   EUR        0.27     79.92    1123.88
    GBPUSD   JPY        0.27  14985.00  210726.56
    GBPUSD   GBP        0.26     61.71     865.80
    GBPUSD   USDT       0.27     99.90    1404.84
    USDJPY   USD        0.21     98.46     699.30
    USDJPY   EUR        0.21     78.40     559.44
    USDJPY   JPY        0.21  14700.00  104895.00
    USDJPY   GBP        0.21     63.01     447.55
    USDJPY   USDT       0.21     98.46     699.30
    EURJPY   USD        0.18     96.00     749.25
    EURJPY   EUR        0.18     77.13     599.40
    EURJPY   JPY        0.18  14400.00  112387.50
    EURJPY   GBP        0.18     61.44     479.52
    EURJPY   USDT       0.18     96.00     749.25
    EURGBP   USD        0.27     97.03    1123.88
    EURGBP   EUR        0.27     77.85     899.10
    EURGBP   JPY        0.27  14554.69  168581.25
    EURGBP   GBP        0.27     62.10     719.28
    EURGBP   USDT       0.27     97.03    1123.88
    XAUUSD   USD        0.14     98.00     932.40
    XAUUSD   EUR        0.14     78.40     745.92
    XAUUSD   JPY        0.14  14700.00  139860.00
    XAUUSD   GBP        0.14     62.72     596.74
    XAUUSD   USDT       0.14     98.00     932.40
    US500    USD         4.3     98.90    1075.00
    US500    EUR         4.3     79.12     860.00
    US500    JPY         4.3  14835.00  161250.00
    US500    GBP         4.3     63.30     688.00
    US500    USDT        4.3     98.90    1075.00
    GER40    USD         1.1     96.25    1100.00
    GER40    EUR         1.1     77.00     880.00
    GER40    JPY         1.1  14437.50  165000.00
    GER40    GBP         1.1     61.60     704.00
    GER40    USDT        1.1     96.25    1100.00
    JP225    USD       115.3     99.93    1441.25
    JP225    EUR       115.3     79.94    1153.00
    JP225    JPY       115.3  14989.00  216187.50
    JP225    GBP       115.3     63.95     922.40
    JP225    USDT      115.3     99.93    1441.25
    BTCUSDT  USD     0.03225     99.98    1935.00
    BTCUSDT  EUR     0.03225     79.98    1548.00
    BTCUSDT  JPY     0.03225  14996.25  290250.00
    BTCUSDT  GBP     0.03225     63.98    1238.40
    BTCUSDT  USDT    0.03225     99.98    1935.00
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()[1:]]
LOSSES = RiskSettings(risk_per_trade_percent=Decimal(1), max_lot_size=Decimal(1000))


def traded(symbol, currency, *, market=MARKET, stop=None, **values):
    """A buy at the market with its stop, and its size for an account in that currency."""
    money = values.pop("money", EQUITY[currency])
    spec = instrument(symbol)
    entry = market[symbol].ask
    below = entry - Decimal(stop or STOP[symbol])
    idea = proposal(symbol=symbol, entry=entry, stop_loss=below, take_profit=(entry * 2,))
    seen = bundle(
        symbol=symbol, instrument=spec, quote=market[symbol], settings=LOSSES,
        conversion=convert(spec, currency, market),
        account=account(currency=currency, equity=money, margin_free=money),
    )  # fmt: skip
    seen = replace(seen, **values)
    return idea, size(strategy(risk_caps=RiskCaps(Decimal(1000), 1)), seen, idea)


@pytest.mark.parametrize(("symbol", "currency", "volume", "risk", "margin"), ROWS)
def test_a_trade_is_sized_as_by_hand(symbol, currency, volume, risk, margin):
    _, made = traded(symbol, currency)
    assert (str(made.volume), str(made.risk_money), str(made.margin)) == (volume, risk, margin)
    assert made.limited_by is None


def test_every_symbol_meets_every_account():
    assert {(row[0], row[1]) for row in ROWS} == {(s, c) for s in STOP for c in EQUITY}


async def lost(symbol, currency, idea, made):
    """What the paper venue takes when a candle touches the stop."""
    here = MARKET[symbol].bid
    flat = {"open": here, "high": here, "low": here, "close": here}
    market = HandMarket(instrument(symbol), [candle(**flat)], spread=Decimal(0))
    market.others = dict(MARKET)
    broker = PaperBroker(
        market=market, ledger=MemoryLedger(), timeframe=Timeframe.H1, currency=currency,
        starting_balance=Decimal(EQUITY[currency]), slippage_pips=Decimal(0),
    )  # fmt: skip
    sent = order(
        symbol=symbol, volume=made.volume, stop_loss=idea.stop_loss,
        take_profit=idea.take_profit,
    )  # fmt: skip
    await broker.submit(sent)
    assert (await broker.account()).margin_used == made.margin
    market.close(candle(NOW, **flat | {"low": idea.stop_loss, "close": idea.stop_loss}))
    (trade,) = await broker.closed_since(NOW - HOUR)
    assert trade.reason == "stop_loss"
    assert (await broker.account()).balance == Decimal(EQUITY[currency]) + trade.profit
    return -trade.profit


@pytest.mark.parametrize(("symbol", "currency"), [row[:2] for row in ROWS])
async def test_the_paper_venue_takes_at_the_stop_what_the_size_said(symbol, currency):
    idea, made = traded(symbol, currency)
    assert await lost(symbol, currency, idea, made) == made.risk_money


def test_a_coin_is_bought_with_free_money_only():
    _, made = traded("BTCUSDT", "USDT", stop="300.00")
    # 100 ÷ 300 would be a third of a coin, for 20,000; there are 10,000.
    assert (made.volume, made.margin) == (Decimal("0.16666"), Decimal("9999.60"))
    assert made.limited_by == "margin_free"
    _, made = traded("BTCUSDT", "USDT", money="9999.60", stop="30.00")
    assert made.volume == Decimal("0.16666")
    _, made = traded("BTCUSDT", "USDT", money="9999.59", stop="30.00")
    assert made.volume == Decimal("0.16665")


def test_a_spread_of_the_rate_makes_the_size_smaller():
    wide = MARKET | {"GBPUSD": quote("1.40000", "1.80000")}
    assert traded("EURUSD", "GBP", market=wide)[1].volume == Decimal("0.38")  # 64 ÷ (230 ÷ 1.4)
    assert traded("EURGBP", "USD", market=wide)[1].volume == Decimal("0.24")  # 100 ÷ (230 × 1.8)


def test_without_a_rate_there_is_no_size():
    _, made = traded("EURUSD", "GBP", conversion=None)
    assert (made.volume, made.risk_money, made.margin) == (0, 0, 0)
