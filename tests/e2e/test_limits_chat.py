"""A halt, its confirmation and its refusal, and changed limits, as people meet them in the chat."""

from decimal import Decimal

from tortoise import connections

from bot.i18n import words_for
from engine.domain.state import TradingState
from tests.e2e.conftest import Chat, label_of

EN, ES = words_for("en"), words_for("es")
ANN, LUIS, EVE = 1001, 1002, 1003


async def halted(chat: Chat) -> None:
    """The day began with 10,500 and is at 10,000: a loss of 4.76 %."""
    await chat.desk.change_risk(max_daily_loss_percent=Decimal(3))
    await connections.get("default").execute_query(
        "UPDATE trading_day SET start_equity = 10500, peak_equity = 10500"
    )
    await chat.settle()
    assert (await chat.desk.talk.read_status(None)).control.state is TradingState.HALTED


async def test_halt_shows_its_figure_its_confirmation_the_limits_and_its_refusal_the_way_out(
    chat: Chat,
) -> None:
    await halted(chat)
    alert = chat.sandbox.messages(LUIS)[-1]
    assert "Pérdida diaria (%): 4,76, límite 3" in alert["text"]
    (asked,) = await chat.say("/resume", LUIS)
    assert "límite de pérdida diaria alcanzado" in asked["text"]
    assert "4,76 de 3" in asked["text"]
    told = await chat.tap(asked, label_of(asked, "▶️"), LUIS)
    assert told["show_alert"]
    assert told["text"].startswith("No se reanudó. Pérdida diaria (%): 4,76, límite 3.")
    assert "espere al próximo día del bróker" in told["text"]
    assert (await chat.desk.talk.read_status(None)).control.state is TradingState.HALTED

    # The limit is raised: everyone else hears of it, and the same way now leads out.
    await chat.desk.talk.change_settings(
        ANN, {"max_daily_loss_percent": "5"}, reason="we saw why", expected=2
    )
    await chat.settle()
    for who, words in ((LUIS, ES), (EVE, EN)):
        news = chat.sandbox.messages(who)[-1]["text"]
        assert words("setting.max_daily_loss_percent") in news
        assert "3 → 5" in news
        assert "we saw why" in news
    assert "we saw why" not in str(chat.sandbox.messages(ANN)[-1].get("text"))
    (asked,) = await chat.say("/resume", LUIS)
    await chat.tap(asked, label_of(asked, "▶️"), LUIS)
    assert (await chat.desk.talk.read_status(None)).control.state is TradingState.RUNNING
