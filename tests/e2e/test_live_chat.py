"""/live in the chat: the list, the admin's word in two steps, and its withdrawal in one."""

import pytest

from tests.e2e.conftest import Chat, chat, label_of  # noqa: F401
from tests.integration.conftest import Desk, mode  # noqa: F401
from tests.integration.conftest import desk as plain_desk  # noqa: F401
from tests.integration.test_live import Told, prepared, told  # noqa: F401


@pytest.fixture
async def desk(plain_desk: Desk, told: Told) -> Desk:  # noqa: F811
    """The chat's desk, with an account that moves real money."""
    return await prepared(plain_desk, told)


async def test_an_admin_lets_real_money_in_in_two_steps_and_a_trader_shuts_it_out_in_one(
    chat: Chat,  # noqa: F811
    told: Told,  # noqa: F811
) -> None:
    (said,) = await chat.say("/live", 1002)
    assert "live-ask" not in str(said["reply_markup"])
    (said,) = await chat.say("/live")
    assert "Still missing: 1" in said["text"]
    await chat.tap(said, label_of(said, "Let real money in"))
    asked = chat.sandbox.messages(1001)[-1]
    assert "Trade the real account 501@Broker-Live?" in asked["text"]
    await chat.tap(asked, label_of(asked, "Yes, real money"))
    open_ = chat.sandbox.messages(1001)[-1]
    assert "Orders go to the real account 501@Broker-Live." in open_["text"]
    heard = chat.sandbox.messages(1003)[-1]
    assert "Real money is let in: account 501@Broker-Live." in heard["text"]
    (said,) = await chat.say("/live", 1002)
    await chat.tap(said, label_of(said, "🔒"), 1002)
    shut = next(m for m in chat.sandbox.messages(1002) if m["message_id"] == said["message_id"])
    assert "501@Broker-Live" not in shut["text"].split("\n")[1]
    assert await chat.desk.talk.read_live.view() is not None
    assert (await chat.desk.actions())[-1] == "live_revoked"


async def test_a_question_about_one_account_does_not_confirm_another(
    chat: Chat,  # noqa: F811
    told: Told,  # noqa: F811
) -> None:
    (said,) = await chat.say("/live")
    await chat.tap(said, label_of(said, "Let real money in"))
    asked = chat.sandbox.messages(1001)[-1]
    told.identity = told.identity.__class__(
        venue="paper", name="502@Broker-Live", kind=told.identity.kind
    )
    await chat.tap(asked, label_of(asked, "Yes, real money"))
    assert "live_confirmed" not in await chat.desk.actions()
