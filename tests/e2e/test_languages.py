"""Every command of the menu answers in every language, in that language's own words."""

import re

import pytest

from bot.commands import COMMANDS
from bot.i18n import LANGUAGES, words_for
from storage.models import InboxRow
from tests.e2e.conftest import Chat

ANN = 1001
#: What is left out: these change who may do what, or stop what the others ask about.
_LAST = ("pause", "stop", "panic", "resume")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_command_answers_in_the_language(chat: Chat, language: str) -> None:
    await chat.desk.until_idea()
    await chat.desk.talk.change_language(ANN, language)
    words = words_for(language)
    names = [command.name for command in COMMANDS]
    written = {command.name: command.example for command in COMMANDS}
    for name in [n for n in names if n not in _LAST] + [n for n in names if n in _LAST]:
        for text in {f"/{name}", written[name] or f"/{name}"}:
            answers = await chat.say(text)
            assert answers, (language, text)
            for answer in answers:
                said = answer.get("text") or answer.get("caption") or ""
                assert said != words("error.internal"), text
                assert said != words("error.unknown_command"), text
                assert not re.search(r"\b[a-z]+\.[a-z_]+\.[a-z_]+\b", said), said
    assert await InboxRow.filter(done_at__isnull=True).count() == 0
    assert await InboxRow.filter(error__isnull=False).count() == 0
