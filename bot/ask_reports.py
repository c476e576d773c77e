"""The command ``ai-trader ask``: a question, its answer, and the records that prove it."""

from html import unescape
from re import sub

from bot.bell import SilentBell
from bot.i18n import words_for
from bot.reports import CLEAN, FAULTY, Say, open_database_of
from bot.settings import Settings
from bot.talk import build_talk
from bot.views import ask as views
from engine.strategies.registry import load as load_setups


async def ask(settings: Settings, question: str, language: str, *, say: Say) -> int:
    """0 when it was understood, 1 when not."""
    load_setups()
    words = words_for(language)
    async with open_database_of(settings) as world:
        talk = build_talk(world, SilentBell(), claim_code="")
        answer = await talk.ask(None, question, language=words.language)
    screen = views.told(words, answer)
    say(unescape(sub(r"<[^>]+>", "", screen.text or "")))
    if answer.evidence is None:
        for choice in answer.choices:
            say(f"  {views.label(words, choice)}")
        return FAULTY
    if answer.evidence.records:
        say(" ".join(["ai-trader replay", str(answer.evidence.records[0])]))
    return CLEAN
