"""Models in the chat: a training in one message, a card, let in, and the signals."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bot.bell import SilentBell
from bot.i18n import words_for
from engine.domain.model import TrainingState
from engine.research.run import RunTraining
from tests.e2e.conftest import Chat, label_of
from tests.e2e.test_limits_edit import ANN, EVE, LUIS, labels, seen
from tests.models import play_to, registered, trained

EN, ES = words_for("en"), words_for("es")


def _running(chat: Chat, trainer: Any) -> RunTraining:
    return RunTraining(
        store=chat.desk.world.store, market=chat.desk.world.market, trainer=trainer,
        bell=SilentBell(), every=timedelta(milliseconds=10),
    )  # fmt: skip


async def _asked(chat: Chat, who: int = LUIS) -> dict:
    """The message of a training that was just asked for."""
    (menu,) = await chat.say("/train", who)
    before = len(chat.sandbox.messages(who))
    answer = await chat.tap(menu, label_of(menu, "EURUSD"), who)
    assert answer["text"] == ES("train.asked")
    # A tap that comes twice begins nothing.
    assert (await chat.tap(menu, label_of(menu, "EURUSD"), who))["text"] == ES("train.known")
    (posted,) = chat.sandbox.messages(who)[before:]
    return posted


async def test_a_training_is_one_message_from_its_beginning_to_its_end(chat: Chat) -> None:
    await play_to(chat.desk, 2_000)
    posted = await _asked(chat)
    assert ES("train.queued") in posted["text"]
    halfway = asyncio.Event()

    async def trainer(given: Any, wish: Any, told: Callable[[int], None]) -> Any:
        told(50)
        await halfway.wait()
        return trained()

    before = len(chat.sandbox.messages(LUIS))
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        work = group.create_task(_running(chat, trainer)())
        for _ in range(500):
            await asyncio.sleep(0.02)
            await chat.settle()
            if "50 %" in seen(chat, posted, LUIS)["text"]:
                break
        assert "▰▰▰▰▰▱▱▱▱▱ 50 %" in seen(chat, posted, LUIS)["text"]
        halfway.set()
    ended = work.result()
    assert ended is not None
    assert ended.state is TrainingState.DONE
    await chat.settle()
    assert ES("train.done") in seen(chat, posted, LUIS)["text"]
    assert len(chat.sandbox.messages(LUIS)) == before
    await chat.tap(posted, ES("models.look"), LUIS)
    assert "rf_h1_v1" in seen(chat, posted, LUIS)["text"]


async def test_a_training_is_cancelled_by_its_button(chat: Chat) -> None:
    posted = await _asked(chat)
    await chat.tap(posted, ES("train.cancel"), LUIS)
    shown = seen(chat, posted, LUIS)
    assert ES("train.cancelled") in shown["text"]
    assert "reply_markup" not in shown
    assert await _running(chat, None)() is None


async def test_an_admin_lets_a_model_in_after_a_question_and_everyone_is_told(chat: Chat) -> None:
    await registered(chat.desk, approved=False)
    (listed,) = await chat.say("/models", EVE)
    assert "rf_h1_v1" in listed["text"]
    await chat.tap(listed, label_of(listed, "rf_h1_v1"), EVE)
    assert EN("models.approve") not in labels(seen(chat, listed, EVE))
    (listed,) = await chat.say("/models", ANN)
    await chat.tap(listed, label_of(listed, "rf_h1_v1"), ANN)
    card = seen(chat, listed, ANN)
    assert trained().hash[:12] in card["text"]
    before = len(chat.sandbox.messages(EVE))
    await chat.tap(card, EN("models.approve"), ANN)
    asked = seen(chat, listed, ANN)
    assert "Let rf_h1_v1 in?" in asked["text"]
    await chat.tap(asked, EN("models.approve"), ANN)
    assert "🟢 approved" in seen(chat, listed, ANN)["text"]
    (told,) = chat.sandbox.messages(EVE)[before:]
    assert "rf_h1_v1" in told["text"]
    assert "Ann" in told["text"]
    await play_to(chat.desk, 2_500)
    await chat.tap(seen(chat, listed, ANN), EN("models.drift"), ANN)
    assert "Drift of rf_h1_v1" in seen(chat, listed, ANN)["text"]


async def _signals(chat: Chat, who: int) -> dict:
    return next(m for m in await chat.say("/signals", who) if "📡" in m["text"])


async def test_signals_are_what_the_model_says_now_and_are_queued_once(chat: Chat) -> None:
    shown = await _signals(chat, LUIS)
    assert ES("signals.no_model") in shown["text"]
    await registered(chat.desk)
    await play_to(chat.desk, 2_000)
    toasts = []
    for count in range(2_000, 2_030, 3):
        await play_to(chat.desk, count)
        shown = await _signals(chat, LUIS)
        toasts.append((await chat.tap(shown, label_of(shown, "EURUSD"), LUIS))["text"])
        if toasts[-1] == ES("signals.made"):
            break
    assert toasts[-1] == ES("signals.made")
    again = await chat.tap(shown, label_of(shown, "EURUSD"), LUIS)
    assert again["text"] == ES("signals.again")
    shown = await _signals(chat, LUIS)
    assert ES("signals.pending") in shown["text"]
    shown = await _signals(chat, EVE)
    assert labels(shown) == [EN("button.refresh")]
