"""The paper account in the chat: how it stands, its checklist, and its logs as files."""

from decimal import Decimal
from typing import Any

from tests.e2e.conftest import Chat


async def _file(chat: Chat, name: str) -> str:
    (found,) = [
        m for m in chat.sandbox.messages(1001) if m.get("document", {}).get("file_name") == name
    ]
    stored = chat.sandbox.telegram.world.files.get(found["document"]["file_id"])
    return stored.data.decode()


async def test_a_trader_sees_the_account_and_takes_its_logs(chat: Chat) -> None:
    (empty,) = await chat.say("/paper")
    assert "Paper account" in empty["text"]
    assert "⬜ Ideas and closed trades are on record" in empty["text"]
    assert "_log.csv" not in str(empty["reply_markup"])
    await chat.desk.until_idea()
    await chat.tap(await chat.card(), "✅ Approve")
    for _ in range(200):
        await chat.desk.next_candle()
        if (await chat.desk.talk.read_paper(1001)).metrics.trades:
            break
    seen = next(m for m in await chat.say("/paper") if "Paper account" in m["text"])
    assert "1 trade ended" in seen["text"]
    for what in ("Ideas and closed trades are on record", "No idea was entered twice",
                 "No real money moves here"):  # fmt: skip
        assert f"✅ {what}" in seen["text"]
    await chat.tap(seen, "📄 signals_log.csv")
    await chat.tap(seen, "📄 trades_log.csv")
    state: Any = await chat.desk.talk.read_paper(1001)
    signals = (await _file(chat, "signals_log.csv")).splitlines()
    assert len(signals) == 1 + state.ideas
    head, *trades = (await _file(chat, "trades_log.csv")).splitlines()
    made = sum(Decimal(row.split(",")[head.split(",").index("profit")]) for row in trades)
    assert made == state.metrics.profit == state.account.balance - 10_000


async def test_a_viewer_does_not(chat: Chat) -> None:
    (answer,) = await chat.say("/paper", 1003)
    assert "Paper account" not in answer["text"]
