"""What the chat says of a command that failed, in every language."""

import re
from pathlib import Path

import pytest

from bot.i18n import LANGUAGES, words_for
from bot.views.executor import failed

FLOW = Path(__file__).parents[2] / "engine/flow"
CODE = "".join((FLOW / f"{name}.py").read_text("utf-8") for name in ("executor", "command_guards"))
#: Read off the code, so that a new reason without words is noticed.
REASONS = sorted({*re.findall(r'(?:_S|CommandStatus)\.FAILED, "(\w+)"', CODE), "not_closed"})


def test_the_reasons_are_found_in_the_code() -> None:
    assert {"overtaken", "needs_confirmation", "broker_silent", "gave_up"} <= set(REASONS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_told_in_words(language: str, reason: str) -> None:
    detail = {
        "id": 12, "type": "CLOSE_PAIR", "pair": "EURUSD", "by": "cli", "reason": reason,
        "failed": 2, "actions": 3,
    }  # fmt: skip
    text = failed(words_for(language), detail)
    assert "CLOSE_PAIR EURUSD" in text
    assert reason not in text
    assert len(text.splitlines()) == 4
