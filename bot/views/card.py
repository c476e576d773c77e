"""The idea card: the one message a person decides on, and the stamp it carries afterwards."""

from decimal import Decimal

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import CAPTION_LIMIT, Button, Screen
from bot.views import explain
from bot.views.costs import costs, unfilled
from bot.views.facts import (
    NO,
    YES,
    coded,
    condition,
    direction,
    in_r,
    next_news,
    paper,
    pips,
    reason,
)
from engine.domain.approval import Approval, Ending
from engine.domain.gate import ASKS, GateReport
from engine.domain.idea import IdeaStatus
from engine.domain.order import ClosedTrade, Order, OrderState
from engine.domain.outcome import Outcome, Progress
from engine.domain.person import Role
from engine.flow import judgement
from engine.flow.overview import Story
from engine.gate.sizing import floor_to_step
from engine.snapshot.canonical import restore

_ICONS = {
    IdeaStatus.NEEDS_APPROVAL: "🟡",
    IdeaStatus.AUTO_EXECUTED: "⚡",
    IdeaStatus.APPROVED: "🟢",
    IdeaStatus.REJECTED: "🔴",
    IdeaStatus.EXPIRED: "⚪",
    IdeaStatus.HALTED_BY_RISK: "🔴",
}

#: What ended without a trade; the market went on all the same.
_UNTRADED = (IdeaStatus.REJECTED, IdeaStatus.EXPIRED, IdeaStatus.HALTED_BY_RISK)


def card(words: Words, story: Story, *, is_live: bool, role: Role) -> Screen:
    """The card as it stands: with buttons while it waits, with its stamp afterwards. Who may not
    decide it is offered explanations alone.
    """
    waits = story.idea.status is IdeaStatus.NEEDS_APPROVAL
    outcome = outcome_of(story)
    lines = [*_head(words, story, is_live), *_levels(words, story), *_world(words, story)]
    tail = _waiting(words, story, outcome) if waits else [Html(""), *stamp(words, story)]
    reasons = [condition(words, seen) for seen in outcome.evaluation.observations]
    text = _fit(lines, explain.on_card(words, story), reasons, tail)
    return Screen(
        text=text,
        buttons=_buttons(words, story) if waits and may_decide(role) else _after(words, story),
        chart={"idea": str(story.idea.id)},
    )


def may_decide(role: Role) -> bool:
    """Whether somebody of this role may answer an idea; the use case asks again."""
    return role.rank >= Role.TRADER.rank


def outcome_of(story: Story) -> judgement.Outcome:
    """What the strategy, the score and the gate said when the idea was made."""
    return restore(judgement.Outcome, story.decision.entry.detail["outcome"])


def _head(words: Words, story: Story, is_live: bool) -> list[Html]:
    idea = story.idea
    confidence = idea.confidence
    return [
        words(
            "card.title",
            icon=_ICONS.get(idea.status, "🟡"),
            number=idea.number,
            kind=paper(words, is_live=is_live),
            symbol=idea.proposal.symbol,
            direction=direction(words, idea.proposal.direction),
            timeframe=str(idea.proposal.timeframe),
        ),
        words(
            "card.confidence",
            score=words.number(confidence.score),
            strategy=words.number(confidence.strategy_match),
            market=words.number(confidence.market_risk),
            account=words.number(confidence.account_comfort),
        ),
    ]


def _levels(words: Words, story: Story) -> list[Html]:
    proposal, sizing = story.idea.proposal, story.idea.sizing
    currency = story.bundle.account.currency if story.bundle.account else "USD"
    spread = story.bundle.quote.spread if story.bundle.quote else Decimal(0)
    return [
        words(
            "card.levels",
            entry=words.price(proposal.entry),
            stop=words.price(proposal.stop_loss),
            target=" / ".join(words.price(price) for price in proposal.take_profit),
            ratio=words.number(proposal.reward_ratio.quantize(Decimal("0.1"))),
        ),
        words(
            "card.size",
            volume=words.number(sizing.volume),
            money=words.money(sizing.risk_money, currency),
            percent=words.number(sizing.risk_percent),
            spread=words.number(pips(story.bundle, spread)),
        ),
    ]


def _world(words: Words, story: Story) -> list[Html]:
    bundle = story.bundle
    lines = [next_news(words, bundle)]
    if bundle.account is not None and bundle.day is not None:
        loss = bundle.day.loss_percent(bundle.account.equity).quantize(Decimal("0.1"))
        limit = bundle.settings.max_daily_loss_percent
        lines.append(words("card.daily_loss", used=words.number(loss), limit=words.number(limit)))
    lines.append(words("card.strategy", name=story.idea.strategy_name[:60]))
    return lines


def _waiting(words: Words, story: Story, outcome: judgement.Outcome) -> list[Html]:
    lines = [gate_line(words, outcome.report)] if outcome.report else []
    if story.approval is not None:
        lines.append(
            words(
                "card.expires",
                time=words.time(story.approval.expires_at, "HH:mm:ss"),
                zone=words.zone_name(story.approval.expires_at),
                drift=words.number(story.bundle.settings.max_drift_r),
            )
        )
    return lines


def gate_line(words: Words, report: GateReport) -> Html:
    """The gate in one line: how many checks passed, and why a person is asked."""
    hard = [check for check in report.checks if check.code not in ASKS]
    passed = sum(check.passed for check in hard)
    asks = [c for c in report.checks if c.code in ASKS and not c.passed]
    why = ", ".join(coded(words, "asks", c.code, observed=c.observed, limit=c.limit) for c in asks)
    return words(
        "card.gate",
        sign=YES if passed == len(hard) else NO,
        passed=passed,
        total=len(hard),
        why=Html(why or words("asks.nobody")),
    )


def stamp(words: Words, story: Story) -> list[Html]:
    """What became of the idea: who, when, at which price, the order, the trade's end."""
    lines = []
    if story.approval is not None:
        lines.append(ending(words, story.approval))
    elif story.idea.status is IdeaStatus.AUTO_EXECUTED:
        lines.append(words("stamp.auto", time=words.time(story.idea.created_at, "HH:mm:ss")))
    if story.order is not None:
        lines.append(_order(words, story.order))
    if isinstance(story.trade, ClosedTrade):
        currency = story.bundle.account.currency if story.bundle.account else "USD"
        lines.append(closed(words, story.trade, currency))
    after = story.afterwards
    if story.idea.status in _UNTRADED and after is not None and after.candles:
        lines.append(_afterwards(words, after, story.approval))
    return lines


def _afterwards(words: Words, end: Progress | Outcome, approval: Approval | None) -> Html:
    """What the market did without the trade."""
    if isinstance(end, Progress):
        best, worst = in_r(words, end.favourable, 1), in_r(words, end.adverse, 1)
        what = words("outcome.open", best=best, worst=worst)
    else:
        what = words(f"outcome.{end.result}", r=in_r(words, end.r or Decimal(0), 1))
    by_people = approval is not None and approval.ending in (Ending.REJECTED, Ending.EXPIRED)
    return words("stamp.without_you" if by_people else "stamp.untraded", what=what)


def ending(words: Words, approval: Approval) -> Html:
    """An approval's ending in its own words."""
    at = approval.decided_at or approval.expires_at
    detail = reason(words, approval.detail) if approval.detail else Html("")
    # A no is taken without a price where there is none to be had.
    priced = approval.ending is Ending.REJECTED and approval.tap_price is not None
    return words(
        "stamp.rejected_at" if priced else f"stamp.{approval.ending}",
        name=(approval.decided_name or "?")[:64],
        time=words.time(at, "HH:mm:ss"),
        zone=words.zone_name(at),
        price=words.price(approval.tap_price) if approval.tap_price is not None else "",
        drift=words.number(approval.drift_r or Decimal(0), 2),
        detail=detail,
    )


def _order(words: Words, order: Order) -> Html:
    if order.state is OrderState.ACKED and order.fill_price is not None:
        filled = words(
            "stamp.filled",
            id=order.broker_id or "",
            volume=words.number(order.volume),
            price=words.price(order.fill_price),
        )
        return Html("\n".join((filled, *unfilled(words, order))))
    return words(f"stamp.order_{order.state}", reason=reason(words, order.reason or ""))


def closed(words: Words, trade: ClosedTrade, currency: str) -> Html:
    """A trade's end, and what it cost."""
    end = words(
        "stamp.closed",
        icon="🏁" if trade.profit >= 0 else "🛑",
        reason=coded(words, "exit", trade.reason),
        price=words.price(trade.exit_price),
        profit=words.money(trade.profit, currency, signed=True),
    )
    return Html("\n".join((end, *costs(words, (trade,), currency))))


def _buttons(words: Words, story: Story) -> tuple[tuple[Button, ...], ...]:
    id_ = story.idea.id
    instrument = story.bundle.instrument
    half = floor_to_step(story.idea.sizing.volume / 2, instrument.volume_step)
    smaller = (Button(words("button.half"), callbacks.idea("half", id_)),)
    return (
        (
            Button(words("button.approve"), callbacks.idea("ok", id_), "success"),
            Button(words("button.reject"), callbacks.idea("no", id_), "danger"),
        ),
        (
            *(smaller if half >= instrument.volume_min else ()),
            *_after(words, story)[0],
        ),
    )


def _after(words: Words, story: Story) -> tuple[tuple[Button, ...], ...]:
    """The buttons that stay when an idea is decided: they only explain."""
    id_ = story.idea.id
    return (
        (
            Button(words("button.why"), callbacks.idea("why", id_)),
            Button(words("button.saw"), callbacks.idea("saw", id_)),
        ),
    )


def _fit(lines: list[Html], said: list[Html], reasons: list[Html], tail: list[Html]) -> Html:
    """The card within Telegram's caption limit: reasons go first, from the last one, and then what
    was said in words.
    """
    kept = [*said, *reasons]
    while True:
        text = "\n".join([*lines, *kept, *tail])
        if len(text) <= CAPTION_LIMIT or not kept:
            return Html(text)
        kept.pop()
