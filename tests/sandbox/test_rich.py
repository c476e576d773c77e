"""Rich messages: what is shown of the blocks a bot sends, the server's limits, and edits."""

import pytest

from bot.sandbox.methods.rich import DEEPEST, LONGEST, MOST_BLOCKS, MOST_COLUMNS

ANN = 1001


def paragraph(text="x"):
    return {"type": "paragraph", "text": text}


def cell(text):
    return {"text": text, "align": "left", "valign": "top"}


def nested(depth):
    """A quotation in a quotation, so many deep, around a paragraph."""
    block = paragraph()
    for _ in range(depth - 1):
        block = {"type": "blockquote", "blocks": [block]}
    return block


BLOCKS = [
    {"type": "heading", "text": "Positions", "size": 1},
    paragraph(["Net ", {"type": "bold", "text": "+0.4 R"}]),
    {
        "type": "list",
        "items": [
            {"blocks": [paragraph("open")]},
            {"blocks": [paragraph("third")], "type": "1", "value": 3},
        ],
    },
    {"type": "table", "cells": [[cell("EURUSD"), cell("0.10")]], "is_striped": True},
    {"type": "details", "summary": "Why", "blocks": [nested(2)]},
    {"type": "divider"},
]


async def test_blocks_are_shown_as_sent_and_lists_get_their_labels(sandbox, api):
    await sandbox.send(ANN, "/start")
    sent = await api.result("sendRichMessage", chat_id=ANN, rich_message={"blocks": BLOCKS})
    shown = sent["rich_message"]["blocks"]
    assert [item.pop("label") for item in shown[2]["items"]] == ["•", "3."]
    assert shown == BLOCKS
    assert sandbox.violations == []


async def test_text_becomes_rich_and_the_other_way_round(sandbox, api):
    await sandbox.send(ANN, "/start")
    sent = await api.result("sendMessage", chat_id=ANN, text="soon")
    where = {"chat_id": ANN, "message_id": sent["message_id"]}
    rich = {"blocks": [paragraph()], "is_rtl": True}
    edited = await api.result("editMessageText", **where, rich_message=rich)
    assert edited["rich_message"] == rich
    assert "text" not in edited
    again = await api.refusal("editMessageText", **where, rich_message=rich)
    assert "message is not modified" in again
    edited = await api.result("editMessageText", **where, text="late")
    assert "rich_message" not in edited
    assert sandbox.violations == []


async def test_a_draft_may_think_and_goes_with_the_message(sandbox, api):
    await sandbox.send(ANN, "/start")
    thought = {"blocks": [{"type": "thinking", "text": "Looking at the chart"}]}
    refused = await api.refusal("sendRichMessage", chat_id=ANN, rich_message=thought)
    assert "only in drafts" in refused
    assert await api.result("sendRichMessageDraft", chat_id=ANN, draft_id=4, rich_message=thought)
    drafts = sandbox.telegram.world.chats[ANN].drafts
    assert drafts[4]["rich_message"] == thought
    await api.result("sendRichMessage", chat_id=ANN, rich_message={"blocks": [paragraph()]})
    assert drafts == {}


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ([], "empty"),
        ([paragraph("x" * (LONGEST + 1))], "too long"),
        ([{"type": "divider"}] * (MOST_BLOCKS + 1), "too many blocks"),
        ([nested(DEEPEST + 1)], "too deep"),
        ([{"type": "table", "cells": [[cell("x")] * (MOST_COLUMNS + 1)]}], "too many columns"),
        ([{"type": "heading", "text": "x", "size": 7}], "size"),
    ],
)
async def test_what_telegram_would_refuse_is_refused(sandbox, api, blocks, words):
    await sandbox.send(ANN, "/start")
    refused = await api.refusal("sendRichMessage", chat_id=ANN, rich_message={"blocks": blocks})
    assert refused.startswith("400")
    assert words in refused


async def test_exactly_the_limits_are_taken(sandbox, api):
    await sandbox.send(ANN, "/start")
    for blocks in (
        [paragraph("x" * LONGEST)],
        [{"type": "divider"}] * MOST_BLOCKS,
        [nested(DEEPEST)],
    ):
        assert await api.result("sendRichMessage", chat_id=ANN, rich_message={"blocks": blocks})


@pytest.mark.parametrize(
    ("rich", "code"),
    [
        ({"html": "<b>x</b>"}, "501"),
        ({"markdown": "*x*"}, "501"),
        (
            {"blocks": [{"type": "buttons", "buttons": [{"text": "a", "url": "https://a.b"}]}]},
            "501",
        ),
        ({"blocks": [paragraph()], "html": "x"}, "400"),
        ({}, "400"),
    ],
)
async def test_what_is_not_modelled_is_said(sandbox, api, rich, code):
    await sandbox.send(ANN, "/start")
    assert (await api.refusal("sendRichMessage", chat_id=ANN, rich_message=rich)).startswith(code)
