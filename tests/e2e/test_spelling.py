"""A venue's own spelling of a symbol: typed in any case, it is the one that is watched."""

from dataclasses import replace
from typing import Any

from engine.domain.decision import Action, Entry
from engine.flow.symbols import spelled
from tests.e2e.conftest import Chat
from tests.integration.conftest import ANN, START

GOLD = "XAUUSD.r"


def watch_gold(chat: Chat) -> None:
    """The chat of a venue that writes gold like this."""
    known: dict[str, Any] = chat.answerer.dispatcher.workflow_data
    (eurusd,) = known["read_market"].symbols
    gold = (GOLD, eurusd[1])
    known["change_control"] = replace(known["change_control"], symbols=("EURUSD", GOLD))
    known["read_market"] = replace(known["read_market"], symbols=(eurusd, gold))


def test_a_symbol_is_spelled_as_it_is_known():
    known = ("EURUSD", GOLD, "xauusd.R")
    assert [spelled(typed, known) for typed in ("eurusd", "XAUUSD.R", "xauusd.R", "dxy")] == [
        "EURUSD",
        GOLD,
        "xauusd.R",
        "DXY",
    ]


async def test_one_symbol_is_paused_and_released_however_it_is_typed(chat: Chat) -> None:
    watch_gold(chat)
    change = chat.desk.talk.change_control
    for typed in (GOLD, "xauusd.r", "XAUUSD.R"):
        (told,) = await chat.say(f"/pause {typed}")
        assert GOLD in told["text"], told["text"]
        async with chat.desk.world.store.begin() as tx:
            assert (await tx.controls.read()).paused_symbols == (GOLD,)
        await chat.say(f"/resume {typed}")
        async with chat.desk.world.store.begin() as tx:
            assert (await tx.controls.read()).paused_symbols == ()
    # What is watched no more can be released still.
    await chat.say(f"/pause {GOLD}")
    assert change.symbols == ("EURUSD",)
    assert (await change.symbol(ANN.id, "xauusd.r", paused=False)).paused_symbols == ()
    async with chat.desk.world.store.begin() as tx:
        records = await tx.history.list(symbol=GOLD, limit=100)
    assert [d.entry.action for d in records][:2] == [Action.SYMBOL_RESUMED, Action.SYMBOL_PAUSED]
    assert len(records) == 8


async def test_the_record_of_a_symbol_is_found_however_it_is_typed(chat: Chat) -> None:
    watch_gold(chat)
    async with chat.desk.world.store.begin() as tx:
        entry = Entry(
            action=Action.NO_TRADE,
            occurred_at=START,
            actor="ai",
            symbol=GOLD,
            rationale="none",
            detail={},
        )
        await tx.history.append(entry)
    for typed in (GOLD, "xauusd.r"):
        (told,) = await chat.say(f"/history {typed}")
        assert GOLD in told["text"]
    for command in ("/evaluate", "/chart", "/indicators"):
        (told,) = await chat.say(f"{command} xauusd.r")
        assert "is not watched" not in told["text"]
