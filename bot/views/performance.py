"""What scores and answers were worth against the market, in tables as narrow as a phone."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape

from bot.i18n import Html, Words
from bot.screen import Screen
from bot.views.columns import table
from bot.views.facts import in_r, paper
from engine.domain.person import Person
from engine.scoring.calibration import Band, Calibration
from engine.scoring.mirror import Answers, Mirror

#: Widths of the columns; the first is left-aligned, the others begin with their gap.
_BANDS = (-7, 5, 6, 7, 7)
_ANSWERS = (-10, 5, 5, 5, 9)
#: Rows of a table at most; the ones with the fewest ideas are left out.
_ROWS = 15


def help_(words: Words) -> Screen:
    """What can be asked of the performance."""
    return Screen(text=words("performance.help"))


def calibration(words: Words, seen: Calibration, *, of: str | None, is_live: bool) -> Screen:
    """How many ideas of each score reached their target, and how sure that is."""
    title = words("performance.confidence", kind=paper(words, is_live=is_live))
    lines = [title if of is None else Html(f"{title} · {escape(of[:60], quote=False)}")]
    whole = seen.whole
    if not whole.ideas:
        lines.append(words("performance.none"))
    else:
        lines.append(
            words(
                "performance.whole",
                count=whole.ideas,
                reached=whole.reached,
                stopped=whole.stopped,
                timed_out=whole.timed_out,
                mean=in_r(words, whole.mean_r or Decimal(0), 2),
            )
        )
        lines.append(_bands(words, words("performance.score"), seen.by_score))
        for heading, bands in (
            (words("performance.strategy"), seen.by_strategy),
            (words("performance.symbol"), seen.by_symbol),
        ):
            if len(bands) > 1:  # a single one would repeat the whole
                lines.append(_bands(words, heading, bands[:_ROWS]))
        lines.append(words("performance.legend"))
    if seen.open:
        lines.append(words("performance.open", count=seen.open))
    return Screen(text=Html("\n".join(lines)))


def _bands(words: Words, heading: Html, bands: Sequence[Band]) -> Html:
    head = [
        heading,
        words("performance.ideas"),
        words("performance.hit"),
        words("performance.interval"),
        words("performance.mean"),
    ]
    return table(words, [head, *([band.name, *_figures(words, band)] for band in bands)], _BANDS)


def _figures(words: Words, band: Band) -> list[str]:
    low, high = band.interval or (Decimal(0), Decimal(1))
    return [
        str(band.ideas),
        _percent(words, band.hit_rate or Decimal(0)),
        f"{_percent(words, low)}–{_percent(words, high)}",
        in_r(words, band.mean_r or Decimal(0), 2),
    ]


def _percent(words: Words, part: Decimal) -> str:
    return words.number(part * 100, 0)


def mirror(words: Words, person: Person, seen: Mirror, *, is_live: bool) -> Screen:
    """A person's answers against what the market then did."""
    kind = paper(words, is_live=is_live)
    lines = [words("mirror.title", name=person.name[:64], kind=kind)]
    rows = [
        (words("mirror.approved"), seen.approved),
        (words("mirror.rejected"), seen.rejected),
        (words("mirror.expired"), seen.expired),
        (words("mirror.blocked"), seen.blocked),
    ]
    shown = [[name, *_answers(words, answers)] for name, answers in rows if answers.ideas]
    if not shown:
        return Screen(text=Html("\n".join([*lines, words("mirror.none")])))
    head = [
        Html(""),
        words("performance.ideas"),
        words("mirror.ended"),
        words("mirror.won"),
        words("mirror.sum"),
    ]
    lines.append(table(words, [head, *shown], _ANSWERS))
    for name, answers in (("rejected", seen.rejected), ("expired", seen.expired)):
        if answers.total_r:
            way = "missed" if answers.total_r > 0 else "avoided"
            lines.append(
                words(f"mirror.{name}_{way}", r=in_r(words, abs(answers.total_r), 1, sign=False))
            )
    lines.append(words("mirror.legend"))
    return Screen(text=Html("\n".join(lines)))


def _answers(words: Words, answers: Answers) -> list[str]:
    if not answers.ended:
        return [str(answers.ideas), "0", "–", "–"]
    total = in_r(words, answers.total_r, 2)
    return [str(answers.ideas), str(answers.ended), str(answers.won), total]
