"""The settings that choose OANDA, and the real database for its books."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr

from bot.settings import Settings
from bot.venues import build_venue
from broker.books import ABILITIES
from broker.feeds.stored import StoredMarket
from broker.oanda.health import faults
from broker.oanda.market import OandaMarket
from broker.oanda.venue import OandaBroker
from engine.domain.diagnosis import Level
from engine.domain.market import Timeframe
from engine.errors import InvalidInput
from engine.ports import Found
from storage.transaction import PostgresLedger
from tests.oanda import ACCOUNT, TOKEN
from tests.oanda.rig import Rig

LIVE = "https://api-fxtrade.oanda.com"
GOOD: dict[str, Any] = {"oanda_token": TOKEN, "oanda_account": ACCOUNT}


def built(**fields: Any) -> Any:
    """The venue of these settings."""
    nothing: Any = None
    settings = Settings(_env_file=None, broker="oanda", **fields)  # type: ignore[call-arg]
    return build_venue(settings, nothing, nothing, lambda: datetime.now(UTC))


def test_the_settings_choose_the_practice() -> None:
    made = built(
        **GOOD, oanda_symbols="EURUSD:H1, US500=SPX500_USD:M15", account_id="oanda-1",
        oanda_max_slippage_pips="1.5", broker_timezone="Europe/Athens",
    )  # fmt: skip
    assert isinstance(made.broker, OandaBroker)
    assert isinstance(made.market, StoredMarket)
    assert made.market.source == "oanda:api-fxpractice.oanda.com"
    market = made.market.remote
    assert isinstance(market, OandaMarket)
    assert made.broker.is_live is False
    assert made.broker.account_id == "oanda-1"
    assert made.broker.intake.slippage_pips == Decimal("1.5")
    assert market.zone.key == "Europe/Athens"
    assert market.client.url == "https://api-fxpractice.oanda.com"
    assert made.watched.streams == (("EURUSD", Timeframe.H1), ("US500", Timeframe.M15))
    assert market.symbols.named == {"US500": "SPX500_USD"}
    assert TOKEN not in repr(made)


def test_real_money_needs_to_be_allowed() -> None:
    with pytest.raises(InvalidInput, match="LIVE_TRADING_ENABLED"):
        built(**GOOD, oanda_url=LIVE)
    assert built(**GOOD, oanda_url=LIVE, live_trading_enabled=True).broker.is_live is True
    assert built(**GOOD, live_trading_enabled=True).broker.is_live is False


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "OANDA_TOKEN"),
        ({**GOOD, "oanda_token": "with a space\n"}, "OANDA_TOKEN"),
        ({"oanda_token": TOKEN}, "OANDA_ACCOUNT"),
        ({**GOOD, "oanda_account": "../../1"}, "OANDA_ACCOUNT"),
        ({**GOOD, "oanda_url": "http://api-fxpractice.oanda.com"}, "OANDA_URL"),
        ({**GOOD, "oanda_symbols": "EURUSD"}, "OANDA_SYMBOLS"),
        ({**GOOD, "oanda_symbols": "US500=SPX 500:H1"}, "OANDA_SYMBOLS"),
        ({**GOOD, "oanda_symbols": "US500=../v3:H1"}, "OANDA_SYMBOLS"),
    ],
)
def test_wrong_settings_are_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named) as found:
        built(**fields)
    assert TOKEN not in str(found.value)


@pytest.mark.usefixtures("opened")
async def test_the_books_are_kept_in_the_database(rig: Rig) -> None:
    ledger: Any = PostgresLedger()
    rig.ledger = ledger
    fill = await rig.broker().submit(rig.order())
    assert await rig.broker().look_up(rig.order().client_id) == Found(fill)
    rig.server.faults = [("PUT trades/close", "late")]
    change = await rig.broker().close(fill.broker_id, volume_left=Decimal(0), client_id="pc-1")
    assert await rig.broker().look_up_change("pc-1") == change
    assert len(await rig.broker().closed_since(datetime(2020, 1, 1, tzinfo=UTC))) == 1


async def test_the_doctor_is_told_of_a_wrong_token_and_account(rig: Rig) -> None:
    async def codes(**fields: Any) -> list[tuple[str, Level]]:
        return [(found.code, found.level) for found in await faults(rig.client(**fields))]

    assert await codes() == [("oanda_hedges", Level.NOTE)]
    rig.account.hedging = False
    assert await codes() == [("oanda_nets", Level.NOTE)]
    assert await codes(token=SecretStr("w" * 64)) == [("oanda_token", Level.FAULT)]
    assert await codes(account="101-004-1-002") == [("oanda_account", Level.FAULT)]
    rig.server.faults = [("GET summary", "busy")]
    # That it does not answer is found by whoever asks for the account.
    assert await codes() == []


async def test_what_the_product_says_of_the_venue_is_oandas(rig: Rig) -> None:
    venue = built(oanda_token=TOKEN, oanda_account=ACCOUNT)
    assert "several_targets" not in venue.abilities
    assert "several_targets" in ABILITIES
    client = rig.client()
    told = replace(venue, faults=partial(faults, client))
    assert [found.code for found in await told.faults()] == ["oanda_hedges"]
    await venue.close()
