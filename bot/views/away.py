"""The bot is back after a time away: when that was, and what waits, with fresh buttons."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.facts import direction
from engine.domain.idea import Idea

#: More buttons than a phone shows at once help nobody; /ideas has the rest.
_SHOWN = 8


def back(words: Words, started: Html, away: Mapping[str, str], waiting: Sequence[Idea]) -> Screen:
    """What is said at every start, then the time away (ISO instants) and the ideas that wait."""
    since, until = (datetime.fromisoformat(away[name]) for name in ("since", "until"))
    pattern = "HH:mm" if since.date() == until.date() else "d MMM HH:mm"
    lines = [
        started,
        words(
            "notice.away",
            since=words.time(since, pattern),
            until=f"{words.time(until, pattern)} {words.zone_name(until)}",
        ),
    ]
    if waiting:
        lines.append(words("notice.away_waiting", count=len(waiting)))
    shown = waiting[:_SHOWN]
    lines += [_line(words, idea) for idea in shown]
    rows = tuple(
        (Button(words("button.open_idea", number=idea.number), callbacks.idea("card", idea.id)),)
        for idea in shown
    )
    return Screen(text=Html("\n".join(lines)), buttons=rows)


def _line(words: Words, idea: Idea) -> Html:
    return words(
        "ideas.line",
        number=idea.number,
        symbol=idea.proposal.symbol,
        direction=direction(words, idea.proposal.direction),
        score=words.number(idea.confidence.score),
        status=words(f"idea_status.{idea.status}"),
        time=words.stamp(idea.created_at),
    )
