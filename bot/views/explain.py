"""What a language model said of an idea: shown as text and nothing else, or why it is not."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.i18n import Html, Words
from engine.domain.analyst import Trouble
from engine.domain.explanation import Explanation, Fate
from engine.domain.idea import IdeaStatus
from engine.flow.overview import Story

#: Why a text is missing, where it is more than that none came.
_LOST: dict[str, str] = {
    **dict.fromkeys(
        (Trouble.OFF, Trouble.NOT_CONNECTED, Trouble.NO_MODEL, Trouble.KEY, Trouble.REFUSED),
        "in_words.refused",
    ),
    Trouble.BUDGET: "in_words.budget",
    Trouble.RESTING: "in_words.resting",
}


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
    else:
        why = words(_LOST.get(found.reason or "", "in_words.silent"))
        attempt, time = str(found.attempt), words.moment(found.at)
        lines += [words("in_words.lost", why=why, attempt=attempt, time=time)]
    return [Html(""), *lines]


def is_missing(words: Words, story: Story) -> bool:
    """Whether an idea that people were shown has no text in the reader's language, and might."""
    found = of_reader(words, story)
    is_put = story.approval is not None or story.idea.status is IdeaStatus.AUTO_EXECUTED
    return is_put and (found is None or found.fate is Fate.UNAVAILABLE)


def fate(words: Words, explanations: Sequence[Mapping[str, Any]]) -> Html:
    """What became of a record's explanations, where none is shown in full."""
    fates = {each["fate"] for each in explanations}
    if Fate.UNAVAILABLE in fates:
        return words("explain.unavailable")
    return words("explain.unsupported") if Fate.SHOWN not in fates else Html("")
