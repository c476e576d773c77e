"""Look-ups over money: what trades made, when, and what would have been made."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from uuid import UUID

from engine.domain.ask import Asked, Evidence, Figure, Row
from engine.domain.decision import Action, Decision
from engine.domain.gate import HALTS, Check, Verdict
from engine.domain.outcome import Outcome, Progress
from engine.errors import NotFound
from engine.flow.ask.scene import (
    MOST_IDEAS,
    MOST_REPLAYS,
    MOST_TRADES,
    Scene,
    Whole,
    found_in,
    lacks,
    too_many,
    whole,
)
from engine.flow.judgement import Answer
from engine.flow.judgement import Outcome as Judged
from engine.flow.replay import what_if
from engine.ports import Transaction

#: Of a list that is ordered by result, so many are told.
_TOLD = 3
_HUNDRED = Decimal(100)


async def _trades(scene: Scene, tx: Transaction, asked: Asked) -> list[Whole] | None:
    """Whole trades that ended in the time, as far as the question narrows them."""
    period = scene.period(asked)
    lines = await tx.recorded.trades(
        period.since, period.until, symbol=asked.symbol, most=MOST_TRADES
    )
    if lines is None:
        return None
    return whole(
        [
            line
            for line in lines
            if asked.direction in (None, line.direction) and asked.strategy in (None, line.strategy)
        ]
    )


async def result(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """Profit and loss of a time, and how many trades won; even ones are neither."""
    trades = await _trades(scene, tx, asked)
    if trades is None:
        return too_many(scene, asked)
    profits = [trade.profit for trade in trades]
    wins, losses = sum(p > 0 for p in profits), sum(p < 0 for p in profits)
    figures: dict[str, Figure] = {
        "trades": len(trades),
        "wins": wins,
        "losses": losses,
        "profit": sum(profits, Decimal(0)),
        "win_rate": wins * _HUNDRED / len(trades) if trades else None,
        "best": max(profits, default=None),
        "worst": min(profits, default=None),
    }
    ends = sorted(trades, key=lambda trade: trade.profit)
    return await found_in(
        scene, tx, asked,
        figures=figures,
        ideas=_ideas([*ends[-1:], *ends[:1]]),
        is_empty=not trades,
    )  # fmt: skip


def _ideas(trades: Sequence[Whole]) -> list[tuple[int, UUID]]:
    found = [(t.line.number, t.line.idea_id) for t in trades]
    return list(dict.fromkeys((number, id_) for number, id_ in found if number is not None and id_))


def _keys(scene: Scene) -> dict[str, Callable[[Whole], Figure]]:
    """By what trades are put together; days and hours are the broker's, of the trade's end."""
    return {
        "hour": lambda t: t.line.closed_at.astimezone(scene.zone).hour,
        "weekday": lambda t: t.line.closed_at.astimezone(scene.zone).weekday(),
        "day": lambda t: t.line.closed_at.astimezone(scene.zone).date().isoformat(),
        "symbol": lambda t: t.line.symbol,
        "strategy": lambda t: t.line.strategy or "",
        "trade": lambda t: t.line.number if t.line.number is not None else t.line.position_id,
    }


async def best(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """The hours, days, symbols, strategies or trades with the best or the worst result."""
    trades = await _trades(scene, tx, asked)
    if trades is None:
        return too_many(scene, asked)
    key = _keys(scene)[asked.by or "trade"]
    sums: defaultdict[Figure, list[Decimal]] = defaultdict(list)
    for trade in trades:
        sums[key(trade)].append(trade.profit)
    sign = 1 if asked.what == "worst" else -1
    ordered = sorted(sums.items(), key=lambda item: (sign * sum(item[1]), str(item[0]).zfill(12)))
    rows: list[Row] = [
        {"key": name, "profit": sum(some, Decimal(0)), "trades": len(some)}
        for name, some in ordered
    ]
    first = rows[0]["profit"] if rows else None
    told = [row for place, row in enumerate(rows) if place < _TOLD or row["profit"] == first]
    shown = {row["key"] for row in told} if asked.by == "trade" else set()
    return await found_in(
        scene, tx, asked,
        figures={"trades": len(trades), "groups": len(rows)},
        rows=told[:8],
        ideas=_ideas([trade for trade in trades if key(trade) in shown][:_TOLD]),
        is_empty=not trades,
    )  # fmt: skip


async def would(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """What the market did after ideas that were not traded, or after one idea."""
    if asked.idea is not None:
        return await _would_one(tx, asked, asked.idea)
    period = scene.period(asked)
    became = await tx.recorded.became(
        period.since, period.until, symbol=asked.symbol, most=MOST_IDEAS
    )
    if became is None:
        return too_many(scene, asked)
    groups = ("refused", "rejected", "expired", "unsent")
    wanted = groups if asked.what in (None, "untaken") else (asked.what,)
    rows: list[Row] = [
        {
            "group": one.group,
            "result": one.result,
            "ideas": one.ideas,
            "total_r": one.total_r,
            "last": one.last,
        }
        for one in became
        if one.group in wanted
    ]
    figures = _sums(rows)
    return await found_in(scene, tx, asked, figures=figures, rows=rows, is_empty=not rows)


def _sums(rows: Sequence[Row]) -> dict[str, Figure]:
    counts: Counter[str] = Counter()
    total = Decimal(0)
    for row in rows:
        many, r = row["ideas"], row["total_r"]
        assert isinstance(many, int)
        assert isinstance(r, Decimal)
        counts[str(row["result"] or "open")] += many
        total += r
    measured = counts["target"] + counts["stop"] + counts["timed_out"]
    return {
        "ideas": counts.total(),
        "target": counts["target"],
        "stop": counts["stop"],
        "timed_out": counts["timed_out"],
        "unknown": counts["unknown"],
        "open": counts["open"],
        "measured": measured,
        "total_r": total,
    }


async def _would_one(tx: Transaction, asked: Asked, number: int) -> Evidence:
    try:
        idea = await tx.ideas.by_number(number)
    except NotFound:
        return lacks(asked, "idea", number=number)
    step = await tx.outcomes.of_idea(idea.id)
    figures: dict[str, Figure] = {"number": number, "symbol": idea.proposal.symbol}
    figures |= {"direction": str(idea.proposal.direction), "status": str(idea.status)}
    if isinstance(step, Outcome):
        figures |= {"result": str(step.result), "r": step.r, "at": step.at}
    elif isinstance(step, Progress):
        figures |= {"result": "open", "favourable": step.favourable, "adverse": step.adverse}
    else:
        return lacks(asked, "not_followed", number=number)
    return Evidence(asked=asked, figures=figures, ideas=((number, idea.id),))


async def threshold(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """Every idea of a time judged again, from what was seen then, under another threshold."""
    period, number = scene.period(asked), asked.number
    assert number is not None
    made = await tx.recorded.proposed(
        period.since, period.until, symbol=asked.symbol, most=MOST_REPLAYS
    )
    if made is None:
        return lacks(asked, "too_many_replays", most=MOST_REPLAYS)
    bundles = await tx.bundles.find({one.entry.bundle_hash or "" for one in made})
    changes = {"min_confidence_threshold": f"{number:f}"}
    moves: Counter[tuple[str, str]] = Counter()
    reached = {"before": 0, "after": 0}
    unreadable = 0
    for one in made:
        bundle = bundles.get(one.entry.bundle_hash or "")
        if bundle is None:
            unreadable += 1
            continue
        again = what_if(one, bundle, changes)
        moves[(_verdict_of(one), again.verdict)] += 1
        reached["before"] += _reached(one)
        reached["after"] += _reaches(again)
    rows: list[Row] = [
        {"before": before, "after": after, "ideas": many}
        for (before, after), many in sorted(moves.items())
    ]
    figures: dict[str, Figure] = {
        "threshold": number,
        "ideas": len(made),
        "unreadable": unreadable,
        "reached_before": reached["before"],
        "reached_after": reached["after"],
        "changed": sum(many for (was, now), many in moves.items() if was != now),
        "execute_before": sum(many for (was, _), many in moves.items() if was == "execute"),
        "execute_after": sum(many for (_, now), many in moves.items() if now == "execute"),
    }
    return await found_in(
        scene, tx, asked,
        figures=figures,
        rows=rows,
        records=[one.seq for one in reversed(made)][:4],
        is_empty=not made,
    )  # fmt: skip


def _verdict_of(one: Decision) -> str:
    """What the gate said then, as the record has it."""
    if one.entry.action is Action.AI_AUTO_EXECUTED:
        return str(Verdict.EXECUTE)
    if one.entry.action is Action.AI_PROPOSED:
        return str(Verdict.ASK)
    code = (one.entry.risk_check_result or "").partition(":")[2]
    return str(Verdict.HALTED if code in HALTS else Verdict.REFUSE)


def _reached(one: Decision) -> bool:
    """Whether the confidence reached the threshold of then, as the record has it."""
    checks = one.entry.detail["outcome"]["report"]["checks"]
    return any(check["code"] == Check.CONFIDENCE_THRESHOLD and check["passed"] for check in checks)


def _reaches(judged: Judged | Answer) -> bool:
    """Whether the confidence reached the threshold it was held against."""
    return any(c.code is Check.CONFIDENCE_THRESHOLD and c.passed for c in judged.checks)
