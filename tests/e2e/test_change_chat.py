"""Proposals to change the configuration, as people meet them in the chat."""

from bot.i18n import words_for
from tests.e2e.conftest import Chat
from tests.e2e.test_limits_edit import ANN, EVE, LUIS, labels, seen
from tests.integration.test_change_proposals import overdue, propose, risk

EN, ES = words_for("en"), words_for("es")


def last(chat: Chat, who: int) -> dict:
    return chat.sandbox.messages(who)[-1]


async def test_without_proposals_the_command_says_so_and_offers_the_advisor(chat: Chat) -> None:
    (shown,) = await chat.say("/approvals")
    assert EN("proposals.none") in shown["text"]
    assert labels(shown) == [
        EN("proposals.button_past"), EN("proposals.button_ask"), EN("search.button"),
    ]  # fmt: skip
    answer = await chat.tap(shown, EN("proposals.button_ask"))
    assert answer["text"] == EN("proposals.nothing_new")
    (shown,) = await chat.say("/approvals", EVE)
    assert labels(shown) == [EN("proposals.button_past")]


async def test_a_new_one_comes_by_itself_with_the_buttons_of_each_role(chat: Chat) -> None:
    await propose(chat.desk)
    await chat.settle()
    card = last(chat, ANN)
    assert "Risk per trade (% of equity): 0.5 → 0.4" in card["text"]
    assert "made −0.20 R on average" in card["text"]
    assert EN("proposals.stops") in card["text"]
    assert labels(card) == [EN("button.approve"), EN("button.reject")]
    theirs = last(chat, LUIS)
    assert "Propuesta 1" in theirs["text"]
    assert labels(theirs) == [ES("button.reject")]
    (shown,) = await chat.say("/approvals", EVE)
    assert "Proposal 1" in shown["text"]
    assert labels(shown) == []


async def test_approve_puts_it_in_force_and_says_so_in_place(chat: Chat) -> None:
    await propose(chat.desk)
    await chat.settle()
    card, theirs = last(chat, ANN), last(chat, LUIS)
    await chat.tap(card, EN("button.approve"))
    shown = seen(chat, card)
    assert "approved by Ann" in shown["text"]
    assert "Version 2 is in force" in shown["text"]
    assert labels(shown) == [EN("proposals.button_list")]
    assert f"{await risk(chat.desk)}" == "0.4"
    assert "propuesta 1 aprobada" in last(chat, LUIS)["text"]
    answer = await chat.tap(theirs, ES("button.reject"), LUIS)
    assert answer["text"] == ES("proposals.over")
    assert "aprobada por Ann" in seen(chat, theirs, LUIS)["text"]
    assert f"{await risk(chat.desk)}" == "0.4"
    await chat.tap(shown, EN("proposals.button_list"))
    await chat.tap(shown, EN("proposals.button_past"))
    assert "Version 2 is in force" in seen(chat, card)["text"]
    await chat.tap(shown, "#1")
    assert "0.5 → 0.4" in seen(chat, card)["text"]


async def test_reject_leaves_everything_as_it_is(chat: Chat) -> None:
    await propose(chat.desk)
    await chat.settle()
    card = last(chat, LUIS)
    await chat.tap(card, ES("button.reject"), LUIS)
    assert "rechazada por Luis" in seen(chat, card, LUIS)["text"]
    assert "rejected by Luis" in last(chat, ANN)["text"]
    assert f"{await risk(chat.desk)}" == "0.5"


async def test_silence_is_told_and_stops_trading(chat: Chat) -> None:
    await propose(chat.desk)
    await chat.settle()
    card = last(chat, ANN)
    await overdue(chat.desk)
    await chat.desk.work.changes.expire()
    await chat.settle()
    texts = [message["text"] for message in chat.sandbox.messages(ANN)[-2:]]
    assert any(EN("proposals.stopped") in text for text in texts)
    assert any("nobody answered a proposal in time" in text for text in texts)
    await chat.tap(card, EN("button.approve"))
    assert "nobody answered until" in seen(chat, card)["text"]
    assert f"{await risk(chat.desk)}" == "0.5"
    (shown,) = (await chat.say("/status"))[-1:]
    assert "EMERGENCY STOP" in (shown.get("caption") or shown["text"])


async def test_a_tap_that_is_made_up_does_nothing(chat: Chat) -> None:
    await propose(chat.desk)
    await chat.settle()
    card = last(chat, ANN)
    for data in ("v1:prop-ok:", "v1:prop-ok:x", "v1:prop-ok:99", "v1:prop-ok:1:1", "v1:props:"):
        query = await chat.sandbox.tap(ANN, card["message_id"], data=data)
        await chat.settle()
        assert query in chat.sandbox.answers
    query = await chat.sandbox.tap(LUIS, last(chat, LUIS)["message_id"], data="v1:prop-ok:1")
    await chat.settle()
    assert query in chat.sandbox.answers
    assert f"{await risk(chat.desk)}" == "0.5"
