"""What all that is open moves, per currency and per symbol."""

from dataclasses import replace
from decimal import Decimal

from bot.i18n import words_for
from bot.views.exposure import exposure
from engine.domain.account import Direction
from engine.domain.settings import RiskSettings, SettingsVersion
from engine.flow.exposures import Sides, exposures
from engine.flow.usage import Limits, used
from tests.builders import NOW, bundle, open_order, position

D = Decimal
ENGLISH = words_for("en")


def seen_from(found) -> Limits:
    version = SettingsVersion(
        version=1, settings=RiskSettings(), changed_by="cli", reason="", created_at=NOW
    )
    return Limits(versions=[version], bundle=found, used={})


def test_a_currency_is_set_off_and_a_symbol_is_not():
    buys = position(volume=D("0.3"), direction=Direction.BUY)
    sells = position(id="2", volume=D("0.1"), direction=Direction.SELL)
    found = bundle(positions=(buys, sells))
    seen = exposures(found)
    one = found.exposure(buys).notional
    assert seen.by_symbol == (Sides(name="EURUSD", long=one, short=one / 3),)
    (euro,) = seen.by_currency
    assert (euro.name, euro.short) == ("EUR", 0)
    assert euro.long == one - one / 3
    assert seen.total == one + one / 3


def test_own_currency_is_no_exposure_and_an_order_on_its_way_is_one():
    found = bundle(orders=(open_order(volume=D("0.2")),))
    seen = exposures(found)
    assert [sides.name for sides in seen.by_currency] == ["EUR"]
    assert seen.total > 0
    assert used(found)["max_exposure_percent"] == seen.total * 100 / found.account.equity


def test_what_has_no_price_is_named_and_makes_the_use_unknown():
    found = bundle(positions=(position(), position(id="2", symbol="GBPUSD")))
    found = replace(found, valuations=found.valuations[:1])
    seen = exposures(found)
    assert seen.unvalued == ("GBPUSD",)
    assert "max_exposure_percent" not in used(found)
    text = exposure(ENGLISH, seen_from(found), is_live=False).text
    assert "no fresh price: GBPUSD" in text


def test_without_an_account_there_are_no_figures_and_no_picture():
    assert exposures(bundle(account=None)) is None
    for found in (None, bundle(account=None)):
        screen = exposure(ENGLISH, seen_from(found), is_live=False)
        assert screen.chart is None
        assert "does not answer" in screen.text
