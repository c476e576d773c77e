"""Which updates overtake, and which of those overtaken would start something."""

import pytest
from aiogram.types import Update

from bot.overtaken import starts_something
from bot.urgency import is_urgent
from tests.fakes import message, tap


@pytest.mark.parametrize(
    "text", ["/stop", "/panic", "/pause", "/pause EURUSD", "/stop@ai_trader_bot", "/stop\nnow"]
)
def test_halt_is_urgent(text: str) -> None:
    assert is_urgent(message(1, text))


@pytest.mark.parametrize(
    "text", ["/resume", "/status", "stop", "please /stop", "", "/stopped", "/approve 1"]
)
def test_everything_else_is_not(text: str) -> None:
    assert not is_urgent(message(1, text))


@pytest.mark.parametrize(
    ("data", "urgent"),
    [("v1:stop", True), ("v1:panic:4:99", True), ("v1:pause:EURUSD", True), ("v1:go:1:2", False),
     ("v1:resume", False), ("v1:ok:12", False), ("v0:stop", False), ("stop", False), ("", False)],
)  # fmt: skip
def test_buttons_that_stop_are_urgent_and_those_that_resume_are_not(
    data: str, urgent: bool
) -> None:
    assert is_urgent(tap(1, data)) is urgent


@pytest.mark.parametrize(
    "update",
    [{}, {"message": None}, {"callback_query": 3}, {"message": {"text": 5}},
     {"callback_query": {"data": None}}, {"edited_message": {"text": "/stop"}}],
)  # fmt: skip
def test_update_of_any_shape_is_read(update: dict) -> None:
    assert not is_urgent({"update_id": 1, **update})


def test_caption_is_read_as_a_text_is() -> None:
    document = message(1, "x")
    document["message"]["caption"] = document["message"].pop("text").replace("x", "/stop")
    assert is_urgent(document)


@pytest.mark.parametrize(
    ("document", "starts"),
    [(message(1, "/resume"), True), (message(1, "/approve 3"), True), (message(1, "/mode"), True),
     (message(1, "/status"), False), (message(1, "/reject 3"), False), (tap(1, "v1:go:1:2"), True),
     (tap(1, "v1:ok:ab"), True), (tap(1, "v1:half:ab"), True), (tap(1, "v1:mode:x:1:2"), True),
     (tap(1, "v1:resume"), True), (tap(1, "v1:no:ab"), False), (tap(1, "v1:why:ab"), False)],
)  # fmt: skip
def test_what_opens_risk_is_known(document: dict, starts: bool) -> None:
    assert starts_something(Update.model_validate(document)) is starts
