"""Answers about ideas, records, refusals and the trading state, as lines."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from bot.i18n import Html, Words
from bot.views.facts import badge, coded, condition, direction, reason
from bot.views.history import line as record_line
from engine.domain.account import Direction
from engine.domain.ask import Evidence, Intent, Row
from engine.domain.decision import Action, Decision
from engine.domain.state import Control, Mode, TradingState
from engine.flow.ask.about_refusals import COUNTED
from engine.flow.judgement import Outcome
from engine.snapshot.canonical import restore

_LONG = "d MMM y HH:mm"


def because(words: Words, code: str) -> Html:
    """A recorded result (``fail:spread``, ``blocked:news``, ``none:conditions``) in words."""
    family, _, rest = code.partition(":")
    kind, _, name = rest.partition(":")
    said = reason(words, kind)
    if family == "none" and not words.has(f"check.{kind}") and not words.has(f"reason.{kind}"):
        said = coded(words, "short", name or kind)
    return words("ask.held_back", reason=said) if family == "blocked" else said


def latest(words: Words, row: Row) -> Html:
    """How a strategy answered last."""
    code, repeats, at = str(row["reason"]), row["repeats"], row["at"]
    assert isinstance(at, datetime)
    assert isinstance(repeats, int)
    family = code.partition(":")[0]
    said = words("ask.made_idea") if family == "pass" else because(words, code)
    if family == "fail":
        said = words("ask.idea_refused", reason=said)
    more = words("ask.repeats", count=repeats, number=words.number(repeats)) if repeats else ""
    return words(
        "ask.latest",
        symbol=row["symbol"],
        strategy=row["strategy"],
        time=words.time(at, "d MMM HH:mm"),
        reason=said,
        more=more,
    )


def counted(words: Words, row: Row) -> Html:
    """A reason with how often it was one."""
    many = row["records"]
    assert isinstance(many, int)
    code = f"{row['kind']}:{row['code']}"
    return words("ask.times", number=words.number(many), what=because(words, code))


def _why(words: Words, found: Evidence) -> list[Html]:
    """A record that is no idea: what it says, and what the strategy saw."""
    decision = found.subject
    assert isinstance(decision, Decision)
    lines = [record_line(words, decision)]
    made = decision.entry.detail.get("outcome")
    if made is not None:
        outcome = restore(Outcome, made)
        lines += ["", words("why.conditions")]  # type: ignore[list-item]
        lines += [condition(words, seen) for seen in outcome.evaluation.observations]
    return lines


def _none(words: Words, found: Evidence) -> list[Html]:
    if found.since is None:
        lines = []
        if found.text("state") != TradingState.RUNNING:
            state = words(f"state.{found.text('state')}")
            why = coded(words, "reason", found.text("reason"))
            lines = [words("ask.not_running", state=state, reason=why)]
        return [*lines, words("ask.answers"), *(latest(words, row) for row in found.rows)]
    filled = words.number(found.count("filled"))
    return [
        words("ask.no_trades", number=words.number(found.count("records")), filled=filled),
        *(counted(words, row) for row in found.rows),
        words("ask.folded"),
    ]


def _who(words: Words, found: Evidence) -> list[Html]:
    if found.asked.idea is not None:
        return [_who_one(words, found)]
    if not found.rows:
        return [words("ask.nobody")]
    return [
        words(
            "ask.by",
            number=words.number(_count(row, "records")),
            what=coded(words, "action", str(row["action"])),
            name=_name(words, str(row["by"])),
        )
        for row in found.rows
    ]


def _who_one(words: Words, found: Evidence) -> Html:
    ending = found.text("ending")
    if not ending:
        traded = found.text("status") == "auto_executed"
        ending = "auto" if traded else "refused"
    at = found.moment("at")
    code = found.text("code") or found.text("result").partition(":")[2]
    return words(
        f"ask.who.{ending}",
        number=str(found.count("number")),
        symbol=found.text("symbol"),
        direction=direction(words, Direction(found.text("direction"))),
        name=found.text("by") or "–",
        time="" if at is None else words.moment(at),
        reason=reason(words, code) if code else Html("–"),
    )


def _refused(words: Words, found: Evidence) -> list[Html]:
    if not (found.rows or found.count("broker")):
        return [words("ask.nothing_refused")]
    lines = [words("ask.refused", number=words.number(found.count("refused")))]
    lines += [counted(words, row) for row in found.rows if row["kind"] == "fail"][:8]
    if found.count("held"):
        lines.append(words("ask.held", number=words.number(found.count("held"))))
        lines += [counted(words, row) for row in found.rows if row["kind"] == "blocked"][:8]
    if found.count("broker"):
        lines.append(words("ask.broker", number=words.number(found.count("broker"))))
    return lines


def _confidence(words: Words, found: Evidence) -> list[Html]:
    distance = found.number("distance") or Decimal(0)
    key = "below" if distance < 0 else "above" if distance > 0 else "exactly"
    return [
        words(
            "ask.confidence",
            number=str(found.count("number")),
            symbol=found.text("symbol"),
            score=words.number(found.number("score") or 0),
            threshold=words.number(found.number("threshold") or 0),
            distance=words(f"ask.{key}", points=words.number(abs(distance))),
        )
    ]


def _blocked(words: Words, found: Evidence) -> list[Html]:
    since = found.moment("since")
    assert since is not None
    control = Control(
        state=TradingState(found.text("state")),
        reason=found.text("reason"),
        mode=Mode(found.text("mode")),
        changed_at=since,
    )
    name = _name(words, found.text("by"))
    lines = [badge(words, control), words("ask.since", time=words.moment(since), name=name)]
    if found.text("paused"):
        lines.append(words("control.paused_symbols", symbols=found.text("paused")))
    if found.rows:
        lines += [words("ask.answers"), *(latest(words, row) for row in found.rows)]
    return lines


def _last(words: Words, found: Evidence) -> list[Html]:
    decision = found.subject
    assert isinstance(decision, Decision)
    lines = [record_line(words, decision)]
    if found.count("idea"):
        way = direction(words, Direction(found.text("direction")))
        lines.append(words("ask.of_idea", number=str(found.count("idea")), direction=way))
    if decision.entry.actor.startswith("person:") and found.text("name"):
        lines.append(words("control.by", name=found.text("name")))
    return lines


def _news(words: Words, found: Evidence) -> list[Html]:
    at = found.moment("at")
    assert at is not None
    lines = [
        words(
            "ask.near",
            number=str(found.count("number")),
            symbol=found.text("symbol"),
            time=words.moment(at),
        )
    ]
    if found.text("calendar") == "unknown":
        lines.append(words("news.unknown"))
    lines += [_news_line(words, row) for row in found.rows]
    if not found.rows:
        lines.append(words("ask.no_news", hours=words.number(found.number("hours") or 0)))
    return lines


def _news_line(words: Words, row: Row) -> Html:
    at, impact = row["at"], str(row["impact"] or "")
    assert isinstance(at, datetime)
    return words(
        "ask.news_line",
        time=words.time(at, "d MMM HH:mm"),
        source=str(row["currency"])[:40],
        impact=words(f"ask.impact.{impact}") if impact else "",
        text=str(row["text"])[:160],
    )


def _halts(words: Words, found: Evidence) -> list[Html]:
    if not found.rows:
        return [words("ask.no_halts")]
    halted, resumed = found.count("halted"), found.count("resumed")
    lines = [
        words("ask.halts", halted=words.number(halted), resumed=words.number(resumed)),
    ]
    return lines + [_halt(words, row) for row in found.rows]


def _halt(words: Words, row: Row) -> Html:
    at, code = row["at"], str(row["code"] or "")
    assert isinstance(at, datetime)
    why = words("history.because", reason=reason(words, code)) if code else Html("")
    return words(
        "ask.halt",
        number=str(row["number"]),
        time=words.time(at, _LONG),
        what=coded(words, "action", str(row["action"])),
        name=_name(words, str(row["by"])),
        why=why,
    )


def _activity(words: Words, found: Evidence) -> list[Html]:
    shown: list[tuple[str, str]] = [(str(action), str(action)) for action in COUNTED]
    shown.insert(COUNTED.index(Action.AI_HALTED), ("closed", str(Action.POSITION_CLOSED)))
    return [
        words(
            "ask.count",
            what=coded(words, "action", action),
            number=words.number(found.count(name)),
        )
        for name, action in shown
        if found.count(name)
    ] or [words("ask.nothing_happened")]


def _lost(words: Words, found: Evidence) -> list[Html]:
    lines = [words("ask.lost", number=words.number(found.count("lost")))]
    for row in found.rows:
        at = row["at"]
        assert isinstance(at, datetime)
        time = words.time(at, _LONG)
        lines.append(
            words("ask.lost_line", number=str(row["number"]), time=time, symbol=row["symbol"])
        )
    return lines


def _count(row: Row, name: str) -> int:
    value: Any = row[name]
    assert isinstance(value, int)
    return value


def _name(words: Words, who: str) -> Html | str:
    key = f"actor.{who}"
    if words.has(key):
        return words(key)
    return words("ask.actor_ai") if who == "ai" else who


BODIES: Mapping[Intent, Callable[[Words, Evidence], list[Html]]] = MappingProxyType({
    Intent.WHY: _why,
    Intent.NONE: _none,
    Intent.WHO: _who,
    Intent.REFUSED: _refused,
    Intent.CONFIDENCE: _confidence,
    Intent.BLOCKED: _blocked,
    Intent.LAST: _last,
    Intent.NEWS: _news,
    Intent.HALTS: _halts,
    Intent.ACTIVITY: _activity,
    Intent.LOST: _lost,
})  # fmt: skip
