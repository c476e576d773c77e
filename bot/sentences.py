"""What kept a training, a run or a look from being done, in the reader's language.

A job that failed keeps the sentence of its error. Its shape tells which words say the same; a
sentence of another shape is shown as it stands.
"""

import re
from datetime import datetime

from bot.i18n import Html, Words

#: The words of a sentence, by its shape. Names of groups are those of the words' values.
_SHAPES = tuple(
    (f"problem.{key}", re.compile(shape))
    for key, shape in (
        ("few_rows", r"there are (?P<have>\d+) candles to learn (?P<symbol>\S+) (?P<timeframe>\S+)"
         r" from, after the first (?P<before>\d+) and without the last (?P<after>\d+);"
         r" (?P<needed>\d+) are needed"),
        ("one_way", r"(?P<symbol>\S+) only ever moved one way; there is nothing to learn"),
        ("given_up", r"given up after (?P<attempts>\d+) attempts"),
        ("unknown_strategy", r"there is no strategy ['\"](?P<strategy>.+)['\"]; there are:"
         r" (?P<names>.*)"),
        ("nobody_speaks", r"no strategy that is on speaks of (?P<timeframe>\S+) candles of"
         r" (?P<symbol>\S+)"),
        ("not_of", r"(?P<strategy>.+) does not speak of (?P<timeframe>\S+) candles of"
         r" (?P<symbol>\S+)"),
        ("short_frames", r"a backtest cannot play this yet: (?P<refused>.+)"),
        ("short_frames", r"a backtest cannot play (?P<strategies>.+?) yet: it looks at .+"),
        ("no_period", r"there are no candles of (?P<symbol>\S+) in this period; they go from"
         r" (?P<first>\d{4}-\d\d-\d\d) to (?P<last>\d{4}-\d\d-\d\d)"),
        ("too_long", r"(?P<candles>[\d,]+) candles are too many for one run: (?P<most>[\d,]+)"),
        ("no_candles_of", r"there are no (?P<timeframe>\S+) candles of (?P<symbol>\S+); there are:"
         r" (?P<known>.+)"),
        ("no_candles", r"there are no (?P<timeframe>\S+) candles of (?P<symbol>\S+?)(?: here)?"),
        ("no_candles", r"no (?P<timeframe>\S+) candles of (?P<symbol>\S+) are stored here; .+"),
        ("no_candles", r".+ holds \S+ candles of \S+, not (?P<timeframe>\S+) of (?P<symbol>\S+);"
         r" .+"),
        ("few_candles", r"(?P<candles>\d+) candles are too few to start at \d+"),
        ("one_strategy", r"a sweep varies one strategy: name it"),
        ("no_number", r"(?P<strategy>.+) has no number that could be varied"),
        ("runs", r"a sweep has from 1 to (?P<most>\d+) runs"),
        ("folds", r"there is too little history for so many folds"),
        ("no_trees", r"the trees of (?P<model>.+) are not here"),
        ("other_figures", r"(?P<model>.+) looks at other figures than there are now"),
        ("knows_the_end", r"(?P<model>.+) learnt from candles until (?P<last>[-\d: ]+)Z, and from"
         r" .+\. Begin on (?P<since>[-\d: ]+) or later .+"),
        ("knows_it_all", r"(?P<model>.+) learnt from candles until (?P<last>[-\d: ]+)Z, and from"
         r" .+\. No later candle is left, .+"),
        ("died", r"the process ended before it was done: .+"),
        ("model_candles", r"(?P<model>.+) cannot be asked: there are (?P<have>\d+)"
         r" (?P<timeframe>\S+) candles of (?P<symbol>\S+), and it takes (?P<needed>\d+)"),
        ("still", r"(?P<symbol>\S+) does not move: there is no distance for a stop"),
        ("only_candles", r"there are only (?P<have>\d+) (?P<timeframe>\S+) candles of"
         r" (?P<symbol>\S+)"),
        ("not_closed", r"the last (?P<timeframe>\S+) candle of (?P<symbol>\S+) has not closed yet"),
        ("cost", r"\w+ must be from 0 to (?P<most>10000)"),
        ("balance", r"the starting balance must be above zero"),
        ("turned", r"the period ends before it begins"),
        ("old_button", r"this button (?:is not of this version|names no \w+)"),
    )
)  # fmt: skip

_WHEN = ("first", "last", "since")
_REFUSED = re.compile(r"(?:^|; )(.+?): looks at")


def told(words: Words, sentence: str) -> Html | str:
    """A sentence on record in the reader's language; itself where there are no words for it."""
    for key, shape in _SHAPES:
        found = shape.fullmatch(sentence)
        if found is not None:
            return words(key, **_values(words, found.groupdict()))
    return sentence


def _values(words: Words, given: dict[str, str]) -> dict[str, str]:
    refused = given.pop("refused", None)
    if refused is not None:
        given["strategies"] = ", ".join(_REFUSED.findall(refused))
    return {name: _value(words, name, text) for name, text in given.items()}


def _value(words: Words, name: str, text: str) -> str:
    """Figures, days and instants as the language writes them."""
    if name in _WHEN and len(text) == len("2017-05-01"):
        return Words(words.language).time(datetime.fromisoformat(f"{text}T00:00+00:00"), "d MMM y")
    if name in _WHEN:
        return words.moment(datetime.fromisoformat(f"{text}+00:00"))
    plain = text.replace(",", "")
    return words.number(int(plain)) if plain.isdigit() else text
