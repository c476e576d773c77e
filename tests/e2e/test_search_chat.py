"""A search of the optimizer in the chat: asked for, watched, stopped, and what came of it."""

from collections.abc import Sequence
from typing import Any

from bot.change_jobs import Searching
from bot.changing import build_changes
from bot.progress import Progress
from engine.domain.strategy import Strategy
from engine.research.walkforward import Window
from engine.scoring.metrics import Trade
from tests.e2e.conftest import Chat


class NoTrades:
    """An evaluator that finds nothing; ``before`` is called at each trial."""

    def __init__(self, before: Any) -> None:
        self._before, self.asked = before, 0

    async def evaluate(self, document: Strategy, window: Window) -> Sequence[Trade]:
        self.asked += 1
        await self._before(self.asked)
        return ()


def _shown(chat: Chat, message: dict[str, Any]) -> dict[str, Any]:
    return next(m for m in chat.sandbox.messages(1001) if m["message_id"] == message["message_id"])


async def _asked(chat: Chat) -> dict[str, Any]:
    (listing,) = await chat.say("/approvals")
    await chat.tap(listing, "🧬 Search")
    assert "Which strategy?" in _shown(chat, listing)["text"]
    await chat.tap(_shown(chat, listing), "🧬 EMA trend")
    return listing


async def _run(chat: Chat, before: Any) -> NoTrades:
    desk, evaluator = chat.desk, NoTrades(before)
    changes = build_changes(desk.world, desk.bell, desk.talk.change_control, evaluator)
    await changes.optimize(Searching(progress=Progress(store=desk.world.store)))
    await chat.settle()
    return evaluator


async def test_a_search_shows_how_far_it_is_and_what_came_of_it(chat: Chat) -> None:
    message = await _asked(chat)
    assert "Waits for a worker" in _shown(chat, message)["text"]
    seen: list[str] = []

    async def look(asked: int) -> None:
        if asked == 1:
            await chat.settle()
            seen.append(_shown(chat, message)["text"])

    evaluator = await _run(chat, look)
    assert "0 of " in seen[0]
    assert evaluator.asked > 20
    assert "Nothing is proposed" in _shown(chat, message)["text"]


async def test_who_stops_it_ends_it_at_the_next_trial(chat: Chat) -> None:
    message = await _asked(chat)

    async def stop(asked: int) -> None:
        if asked == 3:
            await chat.tap(_shown(chat, message), "✖️ Cancel")

    evaluator = await _run(chat, stop)
    assert evaluator.asked == 3
    assert "✖️ Cancelled." in _shown(chat, message)["text"]
    (listing,) = await chat.say("/approvals", 1003)
    assert "🧬 Search" not in str(listing["reply_markup"])


async def test_one_that_waits_is_shown_to_who_comes_later_and_is_stopped(chat: Chat) -> None:
    await _asked(chat)
    (listing,) = await chat.say("/approvals", 1002)
    await chat.tap(listing, "🧬 Buscar", 1002)
    later = chat.sandbox.messages(1002)[-1]
    assert "Espera a un trabajador" in later["text"]
    await chat.tap(later, "✖️ Cancelar", 1002)
    last = await chat.desk.talk.train_optimizer.last(1001)
    assert last is not None
    assert (last.is_under_way, last.cancelled) == (False, True)
