"""What a trade cost, as people read it: on the card, in the file, in all languages."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.i18n import LANGUAGES, Html, Words
from bot.views import card as card_views
from bot.views import notify as notify_views
from bot.views.costs import costs, margin_level
from engine.domain.order import OrderState
from tests.builders import account, closed_trade, idea, order, position, story

D = Decimal
EN, DE = Words("en"), Words("de")
PAID = {"profit": D("37.50"), "commission": D("-1.40"), "swap": D("-0.20")}


def test_a_closed_trade_names_what_it_cost_under_its_result():
    text = card_views.closed(EN, closed_trade(**PAID), "USD")
    assert text.split("\n") == [
        "🏁 Closed by take profit at 1.10400: <b>+$37.50</b>",
        "Gross +$39.10 · commission −$1.40 · swap −$0.20",
    ]
    german = card_views.closed(DE, closed_trade(**PAID), "EUR").split("\n")[1]
    assert german == "Brutto +39,10\xa0€ · Kommission −1,40\xa0€ · Swap −0,20\xa0€"


def test_nothing_is_said_where_nothing_was_taken():
    assert costs(EN, (closed_trade(), position()), "USD") == ()


def test_a_swap_that_was_credited_is_named_too():
    (line,) = costs(EN, (position(profit=D("10.00"), swap=D("0.50")),), "USD")
    assert line == "Gross +$9.50 · commission $0.00 · swap +$0.50"


def test_costs_of_many_trades_are_added_up():
    (line,) = costs(EN, (closed_trade(**PAID), closed_trade(**PAID)), "USD")
    assert line == "Gross +$78.20 · commission −$2.80 · swap −$0.40"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stop_out_has_its_own_words(language):
    words = Words(language)
    text = card_views.closed(words, closed_trade(reason="stop_out"), "USD")
    assert words("exit.stop_out") in text
    assert words("exit.stop_out") != words("exit.stop_loss")


def test_a_fill_of_a_part_says_what_was_cancelled():
    part = order(
        state=OrderState.ACKED, broker_id="7", fill_price=D("1.10011"), volume=D("0.04"),
        unfilled=D("0.06"),
    )  # fmt: skip
    told = notify_views.filled(EN, idea(), part, Html("PAPER")).split("\n")
    assert "0.04" in told[0]
    assert told[1] == "◐ Filled in part: the remaining 0.06 lots were cancelled."
    stamp = "\n".join(card_views.stamp(EN, story(order=part)))
    assert "remaining 0.06 lots were cancelled" in stamp
    whole = notify_views.filled(EN, idea(), replace(part, unfilled=D(0)), Html("PAPER"))
    assert "remaining" not in whole


def test_the_margin_level_is_shown_while_margin_is_used():
    assert margin_level(EN, account()) == ()
    (line,) = margin_level(EN, account(equity="10012.50", margin_used="366.34"))
    assert line == "Margin level <b>2,733 %</b>"
