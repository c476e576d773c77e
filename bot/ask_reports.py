"""The command ``ai-trader ask``: a question, its answer, and the records that prove it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from html import unescape
from re import sub

from bot.bell import SilentBell
from bot.i18n import Html, Words, words_for
from bot.reports import CLEAN, FAULTY, Say, open_database_of
from bot.settings import Settings
from bot.talk import build_talk
from bot.views import ask as views
from bot.views import asking
from engine.flow.ask.answer import Told
from engine.flow.ask.wording import Worded
from engine.strategies.registry import load as load_setups


async def ask(
    settings: Settings, question: str, language: str, *, in_words: bool = False, say: Say
) -> int:
    """0 when it was answered, 1 when not."""
    load_setups()
    words = words_for(language)
    async with open_database_of(settings) as world:
        talk = build_talk(world, SilentBell(), claim_code="")
        told = await talk.ask(None, question, language=words.language)
        stream = None
        if talk.wording is not None:
            stream = talk.wording.stream(
                None, question, told, language=words.language, in_words=in_words
            )
        if told.evidence is not None or stream is None:
            say(plain(views.told(words, told).text))
        done = None if stream is None else await _spoken(words, told, stream, say)
    return _end(words, told, done, say)


async def _spoken(
    words: Words, told: Told, stream: AsyncGenerator[str | Worded], say: Say
) -> Worded | None:
    """Say each sentence as it comes, and at last whose words they are, or why there are none."""
    said = ""
    async with aclosing(stream) as texts:
        async for text in texts:
            if isinstance(text, Worded):
                _close(words, told, text, say)
                return text
            if text and not text.startswith(said):
                said = ""
            if text[len(said) :].strip():
                say(text[len(said) :].strip())
            said = text or said
    return None


def _close(words: Words, told: Told, done: Worded, say: Say) -> None:
    if done.text:
        say(plain(words("asking.checked", model=done.reply.model or "")))
        return
    say(plain(words(f"asking.{asking.why(done)}")))
    if told.evidence is None:
        say(plain(views.told(words, told).text))


def _end(words: Words, told: Told, done: Worded | None, say: Say) -> int:
    """What proves the answer, or what can be asked instead."""
    found = [told.evidence] if told.evidence is not None else []
    if done is not None and done.text:
        found += done.found
    if not found:
        for choice in told.choices:
            say(f"  {views.label(words, choice)}")
        return FAULTY
    for number in list(dict.fromkeys(number for one in found for number in one.records))[:1]:
        say(f"ai-trader replay {number}")
    return CLEAN


def plain(text: Html | None) -> str:
    """A text of the chat as a terminal shows it."""
    return unescape(sub(r"<[^>]+>", "", text or ""))
