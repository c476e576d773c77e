"""What a language model said of an idea: shown as text and nothing else, or why it is not."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.i18n import Html, Words
from engine.domain.explanation import Explanation, Fate
from engine.flow.overview import Story


def of_reader(words: Words, story: Story) -> Explanation | None:
    """The explanation in the reader's language."""
    found = (each for each in story.explanations if each.language == words.language)
    return next(found, None)


def on_card(words: Words, story: Story) -> list[Html]:
    """One line for the card. Held-back text leaves the card's own words as they are."""
    found = of_reader(words, story)
    if found is None or found.fate is Fate.UNSUPPORTED:
        return []
    if found.fate is Fate.UNAVAILABLE:
        return [words("card.fallback")]
    return [words("card.explained", text=found.text)]


def in_full(words: Words, story: Story) -> list[Html]:
    """The same for who asks why, with where it is from."""
    found = of_reader(words, story)
    if found is None:
        return []
    if found.fate is Fate.UNSUPPORTED:
        return [Html(""), words("why.unsupported")]
    lines = on_card(words, story)
    if found.fate is Fate.SHOWN:
        lines = [words("why.explained", model=found.model or "?"), *lines]
    return [Html(""), *lines]


def fate(words: Words, explanations: Sequence[Mapping[str, Any]]) -> Html:
    """What became of a record's explanations, where none is shown in full."""
    fates = {each["fate"] for each in explanations}
    if Fate.UNAVAILABLE in fates:
        return words("explain.unavailable")
    return words("explain.unsupported") if Fate.SHOWN not in fates else Html("")
