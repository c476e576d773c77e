"""The record: the stream of decisions, why, what was seen, and the replay of one."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from html import escape

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen, cut
from bot.views import explain
from bot.views.card import outcome_of, stamp
from bot.views.facts import (
    check_line,
    coded,
    condition,
    idea_line,
    next_news,
    number_or_none,
    paper,
    price_or_none,
    reason,
)
from bot.views.positions import goal
from engine.domain.decision import Action, Decision
from engine.domain.gate import CheckResult
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.position_orders import PositionOrder
from engine.domain.snapshot import Bundle
from engine.flow.judgement import Answer, Outcome
from engine.flow.overview import Story
from engine.flow.replay import Replay
from engine.snapshot.canonical import restore

#: The filter of what /events shows, as its buttons carry it.
EVENTS = "events"


def ideas(words: Words, found: Sequence[Idea], *, waiting: bool, is_live: bool) -> Screen:
    """Ideas with badges, newest first."""
    title = "ideas.waiting" if waiting else "ideas.title"
    lines = [words(title, kind=paper(words, is_live=is_live))]
    if not found:
        lines.append(words("ideas.none"))
    lines += [idea_line(words, idea) for idea in found]
    open_ = [i for i in found if i.status is IdeaStatus.NEEDS_APPROVAL]
    rows = tuple(
        (Button(words("button.open_idea", number=idea.number), callbacks.idea("card", idea.id)),)
        for idea in open_[:5]
    )
    return Screen(text=Html("\n".join(lines)), buttons=rows)


def stream(
    words: Words, found: Sequence[Decision], *, filters: str, page: int, edit: bool = False
) -> Screen:
    """A page of the history; each line names the number that replays it."""
    lines = [_title(words, found, filters)]
    none = words("history.none_of", filters=filters) if filters else words("history.none")
    lines += [line(words, decision) for decision in found] or [none]
    buttons: tuple[tuple[Button, ...], ...] = ()
    if len(found) == page:
        older = Button(words("button.older"), callbacks.pack("hist", found[-1].seq, filters))
        buttons = ((older,),)
    return Screen(text=Html("\n".join(lines)), buttons=buttons, edit=edit)


def _title(words: Words, found: Sequence[Decision], filters: str) -> Html:
    if not found:
        return words("events.none_title" if filters == EVENTS else "history.none_title")
    zone = words.zone_name(_when(found[0]))
    if filters == EVENTS:
        return words("events.title", zone=zone)
    # A record that rests on a snapshot is one that can be computed again.
    seq = next((one.seq for one in found if one.entry.bundle_hash), found[0].seq)
    return words("history.title", zone=zone, seq=str(seq))


def _when(decision: Decision) -> datetime:
    return decision.entry.market_time or decision.entry.occurred_at


def line(words: Words, decision: Decision) -> Html:
    """One record in one line."""
    entry = decision.entry
    family, _, code = (entry.risk_check_result or "").partition(":")
    result = Html("")
    if family == "fail" and (words.has(f"check.{code}") or words.has(f"reason.{code}")):
        result = words("history.because", reason=reason(words, code))
    elif family == "blocked":
        result = words("history.blocked", reason=reason(words, code))
    elif family == "none":
        kind, _, name = code.partition(":")
        said = words.has(f"check.{kind}")
        short = reason(words, kind) if said else coded(words, "short", name or kind)
        result = words("history.because", reason=short)
    else:
        result = _dealt(words, decision)
    confidence = entry.confidence_score
    score = "" if confidence is None else f"{words.number(confidence)}/100"
    parts = (coded(words, "action", entry.action), entry.symbol or "", score)
    return words(
        "history.line",
        seq=decision.seq,
        time=words.time(_when(decision), "d MMM HH:mm"),
        what=Html(" ".join(part for part in parts if part)),
        result=result,
    )


def _dealt(words: Words, decision: Decision) -> Html:
    """What was dealt, of a record of a fill or of a trade's end; and who was given which role."""
    entry = decision.entry
    order, trade = (entry.detail.get(name, {}) for name in ("order", "trade"))
    if entry.action is Action.ORDER_FILLED and order.get("fill_price"):
        volume = words.number(Decimal(order["volume"]))
        price = words.price(Decimal(order["fill_price"]))
        return words("history.filled", volume=volume, price=price)
    if entry.action is Action.POSITION_CLOSED and trade:
        price = words.price(Decimal(trade["exit_price"]))
        return words("history.closed", reason=coded(words, "exit", trade["reason"]), price=price)
    if wanted := entry.detail.get("position_order"):
        return Html(f" — {goal(words, restore(PositionOrder, wanted))}")
    if entry.action is Action.IDEA_EXPLAINED:
        return explain.fate(words, entry.detail["explanations"])
    if "person" in entry.detail and words.has(f"role.{entry.detail.get('role')}"):
        role = words(f"role.{entry.detail['role']}")
        return words("history.person", name=entry.detail["name"], role=role)
    return Html("")


def why(words: Words, story: Story, *, has_model: bool = False) -> Screen:
    """Why, from the record alone: conditions, the score's points, every check, what came of it.
    Where it is not in words, and there is a model, it can be asked.
    """
    outcome, idea = outcome_of(story), story.idea
    lines = [words("why.title", number=idea.number, strategy=idea.strategy_name)]
    lines += [*explain.in_full(words, story), Html(""), words("why.conditions")]
    lines += [condition(words, seen) for seen in outcome.evaluation.observations]
    lines += [Html(""), words("why.score", score=words.number(idea.confidence.score))]
    lines += [
        words(
            "why.points",
            name=points_name(words, adjustment.name),
            points=words.number(adjustment.points),
        )
        for adjustment in idea.confidence.adjustments
    ] or [words("why.no_points")]
    if outcome.report is not None:
        lines += [Html(""), words("why.gate"), *gate(words, story.bundle, outcome.report.checks)]
    lines += (
        [Html(""), *stamp(words, story)] if idea.status is not IdeaStatus.NEEDS_APPROVAL else []
    )
    lines.append(words("why.replay", seq=story.decision.seq))
    asks = has_model and explain.is_missing(words, story)
    button = Button(words("button.in_words"), callbacks.idea("inwords", idea.id))
    return Screen(text=cut(lines), buttons=((button,),) if asks else ())


def points_name(words: Words, name: str) -> Html:
    """What took the points: a penalty's own name, or the condition that was missed."""
    return coded(words, "points" if words.has(f"points.{name}") else "short", name)


def gate(words: Words, bundle: Bundle, checks: Sequence[CheckResult]) -> list[Html]:
    """Every check, folded under a quote that opens on a tap."""
    rows = "\n".join(check_line(words, check, _currency(bundle)) for check in checks)
    return [Html(f"<blockquote expandable>{rows}</blockquote>")]


def _forecast(words: Words, bundle: Bundle) -> list[Html]:
    """What the approved model said, if one was asked."""
    said = bundle.prediction
    if said is None:
        return []
    chance = words.number(said.probability, 2)
    return [words("saw.model", name=said.model, probability=chance, horizon=str(said.horizon))]


def saw(words: Words, story: Story) -> Screen:
    """What it saw: the figures of the bundle, with the chart."""
    return Screen(text=_seen(words, story.bundle), chart={"idea": str(story.idea.id)})


def _seen(words: Words, bundle: Bundle) -> Html:
    now, last = bundle.indicators, bundle.candles[-1]
    figure = partial(price_or_none, words, digits=bundle.instrument.digits)
    number = partial(number_or_none, words)
    lines = [
        words("saw.title", symbol=bundle.symbol, time=words.moment(bundle.instant)),
        words(
            "saw.candle",
            open=figure(last.open),
            high=figure(last.high),
            low=figure(last.low),
            close=figure(last.close),
        ),
        words("saw.averages", fast=figure(now.ema_20), slow=figure(now.ema_50)),
        words("saw.trend", fast=figure(now.sma_50), slow=figure(now.sma_200)),
        words("saw.strength", rsi=number(now.rsi_14), adx=number(now.adx_14)),
        *_forecast(words, bundle),
        words(
            "saw.swing",
            atr=figure(now.atr_14),
            low=figure(now.swing_low),
            high=figure(now.swing_high),
        ),
        next_news(words, bundle),
    ]
    if bundle.account is not None:
        account = bundle.account
        lines.append(
            words(
                "saw.account",
                equity=words.money(account.equity, account.currency),
                free=words.money(account.margin_free, account.currency),
                count=len(bundle.positions),
            )
        )
    lines.append(
        words("saw.settings", version=bundle.settings_version, candles=len(bundle.candles))
    )
    return Html("\n".join(lines))


def replay(words: Words, done: Replay) -> Screen:
    """A replay: the record, and whether computing it again gave the same."""
    entry = done.decision.entry
    lines = [words("replay.title", seq=done.decision.seq), line(words, done.decision), ""]
    if done.differences:
        lines.append(words("replay.differs", count=len(done.differences)))
        lines += [Html(f"<code>{escape(path)}</code>") for path in done.differences[:10]]
    else:
        lines.append(words("replay.equal"))
    lines.append(words("replay.bundle", hash=(entry.bundle_hash or "")[:16]))
    if done.what_if is not None:
        lines += ["", *_what_if(words, done.bundle, done.what_if)]
    lines += ["", _seen(words, done.bundle)]
    if done.report is None and isinstance(done.made, Outcome):
        lines += ["", words("why.conditions")]
        lines += [condition(words, seen) for seen in done.made.evaluation.observations]
    title = "why.gate" if done.what_if is None else "replay.gate"
    lines += ["", words(title), *gate(words, done.bundle, done.made.checks)]
    return Screen(text=cut(lines), chart={"decision": done.decision.seq})


def _currency(bundle: Bundle) -> str | None:
    return bundle.account.currency if bundle.account else None


def _what_if(words: Words, bundle: Bundle, other: Outcome | Answer) -> list[Html]:
    """What would have come of it: a verdict and the check that decides, or no idea at all."""
    if other.report is not None:
        first = other.report.first_failed
        verdict = words("replay.what_if", verdict=words(f"verdict.{other.report.verdict}"))
        return [verdict, *([check_line(words, first, _currency(bundle))] if first else [])]
    closed = [c for c in other.before if c.code is other.blocked_by]
    return [
        words("replay.what_if_none"),
        *(check_line(words, c, _currency(bundle)) for c in closed),
    ]
