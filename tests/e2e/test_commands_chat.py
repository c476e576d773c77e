"""A command of the operator that failed is told to admins alone, and its steps are in /events."""

from engine.domain.operator_command import CommandType
from tests.e2e.conftest import Chat, chat, desk, mode  # noqa: F401


async def test_admins_hear_of_a_command_that_failed_and_everyone_sees_its_steps(
    chat: Chat,  # noqa: F811
) -> None:
    talk = chat.desk.talk
    await talk.give_command(None, CommandType.PAUSE_PAIR, pair="USDJPY")
    await talk.give_command(None, CommandType.PAUSE_PAIR, pair="EURUSD")
    await chat.desk.work.execute_commands()
    await chat.settle()
    told = [m["text"] for m in chat.sandbox.messages(1001) if "PAUSE_PAIR USDJPY" in m["text"]]
    assert len(told) == 1
    assert "failed" in told[0]
    assert "The symbol is not watched." in told[0]
    assert not any("USDJPY" in m.get("text", "") for m in chat.sandbox.messages(1002))
    (said,) = await chat.say("/events", 1003)
    assert "🏁 command ended" in said["text"]
    assert "📥 command given" in said["text"]
