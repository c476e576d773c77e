"""/ea: who may make a connect code, what it opens, and what is shown of a terminal."""

import re
from dataclasses import fields
from typing import Any

import pytest

from engine.errors import TerminalRefused
from engine.flow.terminals import RegisterTerminal, Registration
from tests.e2e.conftest import Chat, chat, desk, label_of, mode  # noqa: F401
from tests.terminals import request

VIEWER, ADMIN = 1003, 1001


async def join(chat: Chat, code: str) -> None:  # noqa: F811
    """A terminal registers."""
    register = RegisterTerminal(store=chat.desk.world.store, new_token=lambda: "t" * 43)
    example = {**request("/ea/register"), "code": code}
    await register(Registration(**{f.name: example[f.name] for f in fields(Registration)}), "here")


async def code_of(chat: Chat, message: dict[str, Any]) -> str:  # noqa: F811
    """The code a tap shows."""
    answer = await chat.tap(message, label_of(message, "Connect code"), ADMIN)
    assert answer["show_alert"] is True
    found = re.search(r"[A-Z2-9]{4}-[A-Z2-9]{4}", answer["text"])
    assert found, answer
    return found[0]


async def test_an_admin_connects_and_disconnects_a_terminal(chat: Chat) -> None:  # noqa: F811
    (message,) = await chat.say("/ea", ADMIN)
    assert "paper" in message["text"] or "mt_bridge" in message["text"]
    code = await code_of(chat, message)
    assert code not in str(chat.sandbox.messages(ADMIN))
    again = await chat.tap(message, label_of(message, "Connect code"), ADMIN)
    assert again["show_alert"] is True
    assert "made its code already" in again["text"]
    await join(chat, code)
    (message,) = await chat.say("/ea", ADMIN)
    assert "5012345" in message["text"]
    assert "No sign of life" in message["text"]
    await chat.tap(message, label_of(message, "Disconnect"), ADMIN)
    asked = chat.sandbox.messages(ADMIN)[-1]
    assert "Disconnect" in asked["text"]
    await chat.tap(asked, label_of(asked, "Yes"), ADMIN)
    (message,) = await chat.say("/ea", ADMIN)
    assert "needs a new connect code" in message["text"]


async def test_a_newer_registration_is_not_disconnected_by_an_old_button(
    chat: Chat,  # noqa: F811
) -> None:
    (message,) = await chat.say("/ea", ADMIN)
    await join(chat, await code_of(chat, message))
    (message,) = await chat.say("/ea", ADMIN)
    await chat.tap(message, label_of(message, "Disconnect"), ADMIN)
    asked = chat.sandbox.messages(ADMIN)[-1]
    async with chat.desk.world.store.begin() as tx:
        await tx._connection.execute_query(
            "UPDATE ea_terminal SET document = jsonb_set(document, '{registered_at}',"
            " '\"2030-01-01T00:00:00Z\"')"
        )
    answer = await chat.tap(asked, label_of(asked, "Yes"), ADMIN)
    assert answer["show_alert"] is True
    async with chat.desk.world.store.begin() as tx:
        (terminal,) = await tx.terminals.list()
    assert terminal.token_digest


async def test_a_viewer_looks_and_makes_no_code(chat: Chat) -> None:  # noqa: F811
    (message,) = await chat.say("/ea", VIEWER)
    labels = [b["text"] for row in message["reply_markup"]["inline_keyboard"] for b in row]
    assert not [label for label in labels if "code" in label.lower()]
    query = await chat.sandbox.tap(
        VIEWER, message["message_id"], data=f"v1:ea-code:{await chat.desk.talk.issue_code.mark()}"
    )
    await chat.settle()
    assert chat.sandbox.answers[query]["show_alert"] is True
    async with chat.desk.world.store.begin() as tx:
        rows = await tx._connection.execute_query_dict("SELECT 1 FROM ea_code")
    assert rows == []
    with pytest.raises(TerminalRefused, match="not valid"):
        await join(chat, "AAAA-BBBB")
