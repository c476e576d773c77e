"""A sweep in the chat: numbers chosen, runs played by a worker, a table of the best, cancelled."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from bot.playing import PlayApart
from bot.progress import Progress
from bot.sweep_jobs import Sweeper
from engine.domain.sweep import ShardFigures
from engine.research.plan import Plan
from engine.research.sweeping import WorkSweep
from tests.e2e.conftest import Chat, label_of

FIGURES = ShardFigures(
    trades=12, profit=Decimal(100), win_rate=None, profit_factor=None, expectancy=None,
    drawdown_percent=Decimal(3), decisions="ab" * 32,
)  # fmt: skip


def _sweeper(chat: Chat, play: Any) -> Sweeper:
    store = chat.desk.world.store
    return Sweeper(work=WorkSweep(store=store, play=play), progress=Progress(store=store))


def _shown(chat: Chat, message: dict[str, Any]) -> dict[str, Any]:
    return next(m for m in chat.sandbox.messages(1001) if m["message_id"] == message["message_id"])


async def _form(chat: Chat) -> dict[str, Any]:
    """Two values of one number, in December: two runs."""
    (form,) = await chat.say("/sweep")
    assert "EMA trend" in form["text"]
    await chat.tap(form, "📆 From – to")
    (form,) = await chat.say("2017-12-01 2017-12-31")
    await chat.tap(form, "🎚 Numbers")
    for _ in range(2):
        shown = _shown(chat, form)
        if "✅" in str(shown["reply_markup"]):
            await chat.tap(shown, label_of(shown, "✅"))
    shown = _shown(chat, form)
    assert "Nothing is varied yet" in shown["text"]
    await chat.tap(shown, "⬜ Stop loss")
    await chat.tap(_shown(chat, form), "✏️ Stop loss")
    (form,) = await chat.say("1.2 * atr, 1.8 * atr")
    assert "Stop loss: 1.2 * atr, 1.8 * atr" in form["text"]
    return form


async def test_a_sweep_is_chosen_played_and_its_best_runs_are_shown(chat: Chat) -> None:
    form = await _form(chat)
    await chat.tap(form, "▶️ Start")
    assert "Waits for a worker: 3 runs" in _shown(chat, form)["text"]
    (sweep,) = await chat.desk.talk.read_sweep.last(1001)
    assert (sweep.person_id, sweep.message_id) == (1001, form["message_id"])
    await _sweeper(chat, PlayApart(chat.desk.world))()
    await chat.settle()
    text = _shown(chat, form)["text"]
    assert "✅ Done: 3 of 3 runs." in text
    assert "Stop loss = 1.8 * atr" in text
    assert "the strategy as it is" in text
    _, shards = await chat.desk.talk.read_sweep(1001, sweep.id)
    profits = {shard.figures.profit for shard in shards if shard.figures}
    assert len(profits) == 3


async def test_who_cancels_has_what_was_played_until_then(chat: Chat) -> None:
    form = await _form(chat)
    await chat.tap(form, "▶️ Start")
    (again,) = await chat.say("/sweep")
    assert "Waits for a worker" in again["text"]
    played = []

    async def play(plan: Plan) -> ShardFigures:
        played.append(plan)
        await chat.desk.talk.cancel_sweep(1001, sweep.id)
        return FIGURES

    (sweep,) = await chat.desk.talk.read_sweep.last(1001)
    await _sweeper(chat, play)()
    await chat.settle()
    assert len(played) == 1
    assert "✖️ Cancelled after 1 of 3 runs." in _shown(chat, form)["text"]
    await chat.tap(_shown(chat, form), "🔬 Another sweep")


async def test_the_same_sweep_goes_on_when_it_is_asked_for_again(chat: Chat) -> None:
    await chat.tap(await _form(chat), "▶️ Start")
    (sweep,) = await chat.desk.talk.read_sweep.last(1001)
    await chat.desk.talk.cancel_sweep(1001, sweep.id)
    form = await _form(chat)
    await chat.tap(form, "▶️ Start")
    (again,) = await chat.desk.talk.read_sweep.last(1001)
    assert again == replace(sweep, message_id=form["message_id"])


async def test_a_viewer_starts_nothing(chat: Chat) -> None:
    (answer,) = await chat.say("/sweep", 1003)
    assert "Start" not in str(answer.get("reply_markup", ""))
