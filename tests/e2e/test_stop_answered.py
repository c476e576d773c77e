"""Who stops is told that it is stopped, also when what is open cannot be told."""

from typing import Any

import pytest

from bot.i18n import words_for
from engine.domain.state import TradingState
from engine.errors import FeedError
from tests.e2e.conftest import Chat


class Blind:
    """A dashboard without a market."""

    async def __call__(self, person_id: int | None) -> Any:
        raise FeedError("the venue is away")


@pytest.mark.parametrize(
    ("command", "state", "word"),
    [
        ("/pause", TradingState.PAUSED, "PAUSED"),
        ("/stop", TradingState.EMERGENCY_STOP, words_for("en")("control.stop_done")),
    ],
)
async def test_a_stop_is_answered_without_the_market(
    chat: Chat, command: str, state: TradingState, word: str
) -> None:
    chat.answerer.dispatcher.workflow_data["read_status"] = Blind()
    told = await chat.say(command)
    assert any(word in message["text"] for message in told), told
    async with chat.desk.world.store.begin() as tx:
        assert (await tx.controls.read()).state is state
