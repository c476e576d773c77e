"""What scores and answers were worth, asked for in the chat."""

from decimal import Decimal

from engine.domain.idea import IdeaStatus
from tests.e2e.conftest import Chat, label_of


async def play(chat: Chat, candles: int) -> None:
    """Let the market go on, and see what became of ideas."""
    for _ in range(candles):
        await chat.desk.next_candle()
    await chat.desk.work.follow_ideas("EURUSD", chat.desk.world.market.recording.timeframe)
    await chat.settle()


async def test_performance_alone_tells_what_can_be_asked_and_an_empty_one_reads_well(
    chat: Chat,
) -> None:
    (help_,) = await chat.say("/performance help")
    assert "/performance me" in help_["text"]
    assert "/performance confidence" in help_["text"]
    (nothing,) = await chat.say("/performance me")
    assert "Nothing to compare yet" in nothing["text"]
    (nothing,) = await chat.say("/performance confidence")
    assert "No idea like that has ended" in nothing["text"]


async def test_person_sees_what_their_rejection_was_worth(chat: Chat) -> None:
    idea = await chat.desk.until_idea()
    await chat.tap(await chat.card(), "❌ Reject")
    await play(chat, 60)
    story = await chat.desk.talk.read_idea(1001, idea.id)
    r = story.afterwards.r
    assert r == -1
    (card,) = await chat.say(f"/idea {idea.number}")
    assert "🔭 Without you: hit its stop, −1.0 R" in card["caption"]
    (card,) = await chat.say(f"/idea {idea.number}", 1002)
    assert "🔭 Sin usted: tocó su stop, −1,0 R" in card["caption"]
    (mirror,) = await chat.say("/performance me")
    assert "Rejected      1    1    0    −1.00" in mirror["text"]
    assert "What you rejected would have lost 1.0 R: you avoided it." in mirror["text"]
    (mirror,) = await chat.say("/performance me", 1002)
    assert "Rechazadas" not in mirror["text"]


async def test_confidence_is_shown_for_all_for_a_symbol_and_for_a_strategy(chat: Chat) -> None:
    await chat.desk.until_idea()
    await chat.desk.change_risk(confidence_floor=Decimal(100))
    await chat.desk.until_idea(IdeaStatus.REJECTED)
    await play(chat, 100)
    (whole,) = await chat.say("/performance confidence")
    assert "traded or not" in whole["text"]
    assert "95 %" in whole["text"]
    (symbol,) = await chat.say("/performance confidence eurusd")
    assert "traded or not" in symbol["text"]
    (strategy,) = await chat.say("/performance CONFIDENCE EMA trend", 1002)
    assert "¿Acertó la confianza?" in strategy["text"]
    assert "· EMA trend" in strategy["text"]
    assert "R: el resultado medio" in strategy["text"]
    (none,) = await chat.say("/performance confidence <XAU>")
    assert "No idea like that" in none["text"]


async def test_stranger_learns_nothing_of_it(chat: Chat) -> None:
    (answer,) = await chat.say("/performance confidence", 1004)
    assert "ask an admin" in answer["text"]


async def test_performance_of_a_span_counts_what_was_traded(chat: Chat) -> None:
    (nothing,) = await chat.say("/performance today")
    assert "No trade was closed" in nothing["text"]
    await chat.desk.until_idea()
    await chat.tap(await chat.card(), "✅ Approve")
    await play(chat, 60)
    (report,) = await chat.say("/performance 2017-01-01 2018-12-31")
    assert "1 trade · " in report["caption"]
    assert " R)" in report["caption"]
    trades = await chat.desk.talk.read_performance(None, ["2017-01-01", "2018-12-31"])
    assert trades.metrics.trades == 1
    assert trades.curve[-1][1] == trades.account.balance
    assert trades.curve[0][1] == 10_000
    await chat.tap(report, label_of(report, "CSV"))
    file = chat.sandbox.messages(1001)[-1]
    assert file["document"]["file_name"] == "trades-2017-01-01-2018-12-31.csv"
    await chat.tap(report, label_of(report, "This month"))
    month = chat.sandbox.messages(1001)[-1]
    assert "This month" in (month.get("caption") or month["text"])
    (wrong,) = await chat.say("/performance last year")
    assert "/performance 2026-01-01 2026-01-31" in wrong["text"]


async def test_today_is_asked_of_an_account_by_its_name(chat: Chat) -> None:
    (plain,) = await chat.say("/today")
    (named,) = await chat.say("/today PAPER-1")
    assert named["text"] == plain["text"]
    (other,) = await chat.say("/today live-7", 1002)
    assert "Escríbalo así: /today paper-1" in other["text"]
