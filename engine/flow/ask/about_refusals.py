"""Look-ups over what did not happen: no trades, refusals, what blocks now, halts; and counts."""

from collections.abc import Sequence
from datetime import datetime

from engine.domain.ask import Asked, Evidence, Figure, Row
from engine.domain.decision import Action, Decision
from engine.domain.recorded import Counted
from engine.flow.ask.scene import (
    MOST_RECORDS,
    MOST_TRADES,
    Scene,
    found_in,
    lacks,
    names_of,
    too_many,
    whole,
)
from engine.ports import Transaction

#: Records of a list that is told one by one.
_LISTED = 200
#: What is counted of a time, in the order in which it is told.
COUNTED = (
    Action.NO_TRADE, Action.RISK_REJECTED, Action.AI_PROPOSED, Action.AI_AUTO_EXECUTED,
    Action.HUMAN_APPROVED, Action.HUMAN_REJECTED, Action.IDEA_EXPIRED, Action.ORDER_FILLED,
    Action.ORDER_REJECTED, Action.AI_HALTED,
)  # fmt: skip


def _by_code(counted: Sequence[Counted], action: Action, family: str) -> list[Row]:
    """Counts of one action's results of a family (``fail:spread``), the most first."""
    rows: list[Row] = []
    for one in counted:
        head, _, code = (one.result or "").partition(":")
        if one.action == action and head == family:
            rows.append({"kind": family, "code": code, "records": one.records, "last": one.last})
    return rows


async def none(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """Why there was no trade: the last answer of each strategy, or counted reasons of a time."""
    if asked.period is None:
        rows = await _latest(scene, tx, asked.symbol)
        if rows:
            control = await tx.controls.read()
            return Evidence(
                asked=asked,
                figures={"state": str(control.state), "reason": control.reason},
                rows=rows,
            )
        watched = ", ".join(symbol for symbol, _ in scene.symbols)
        return lacks(asked, "not_watched", watched=watched)
    period = scene.period(asked)
    counted = await tx.recorded.counts(
        (Action.NO_TRADE, Action.RISK_REJECTED), period.since, period.until,
        symbol=asked.symbol, most=MOST_RECORDS,
    )  # fmt: skip
    if counted is None:
        return too_many(scene, asked)
    filled = await tx.recorded.counts(
        (Action.ORDER_FILLED,), period.since, period.until,
        symbol=asked.symbol, most=MOST_RECORDS,
    )  # fmt: skip
    reasons = [
        *_by_code(counted, Action.RISK_REJECTED, "fail"),
        *_by_code(counted, Action.NO_TRADE, "blocked"),
        *_by_code(counted, Action.NO_TRADE, "none"),
    ]
    reasons.sort(key=_size)
    return await found_in(
        scene, tx, asked,
        figures={
            "records": sum(one.records for one in counted),
            "filled": sum(one.records for one in filled or ()),
        },
        rows=reasons[:6],
        records=[one.last for one in counted][:3],
        is_empty=not counted,
    )  # fmt: skip


def _size(row: Row) -> tuple[int, str]:
    records, code = row["records"], row["code"]
    assert isinstance(records, int)
    return -records, str(code)


async def _latest(scene: Scene, tx: Transaction, symbol: str | None) -> tuple[Row, ...]:
    """How each strategy answered last, by symbol."""
    rows: list[Row] = []
    asked = [stream for stream in scene.symbols if symbol in (None, stream[0])]
    found = await tx.evaluations.latest(asked)
    for stream in asked:
        watched, latest = stream[0], found.get(stream, {})
        rows += [
            {
                "symbol": watched,
                "strategy": one.strategy_name,
                "at": one.market_time,
                "signal": one.final_signal,
                "reason": one.reason,
                "repeats": one.repeats,
            }
            for one in sorted(latest.values(), key=lambda one: one.strategy_name)
        ]
    return tuple(rows)


async def refused(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """What the gate refused, by check; setups it held back before they were ideas stand apart."""
    period = scene.period(asked)
    counted = await tx.recorded.counts(
        (Action.RISK_REJECTED, Action.NO_TRADE, Action.ORDER_REJECTED), period.since, period.until,
        symbol=asked.symbol, most=MOST_RECORDS,
    )  # fmt: skip
    if counted is None:
        return too_many(scene, asked)
    failed = _by_code(counted, Action.RISK_REJECTED, "fail")
    held = _by_code(counted, Action.NO_TRADE, "blocked")
    broker = [one for one in counted if one.action == Action.ORDER_REJECTED]
    return await found_in(
        scene, tx, asked,
        figures={
            "refused": _sum(failed),
            "held": _sum(held),
            "broker": sum(one.records for one in broker),
        },
        rows=(*sorted(failed, key=_size), *sorted(held, key=_size)),
        records=[_last(row) for row in failed[:4]],
        is_empty=not (failed or held or broker),
    )  # fmt: skip


def _sum(rows: Sequence[Row]) -> int:
    return -sum(_size(row)[0] for row in rows)


def _last(row: Row) -> int:
    last = row["last"]
    assert isinstance(last, int)
    return last


async def blocked(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """Whether trading is on, and what each strategy's last candle was held back by."""
    control = await tx.controls.read()
    rows = await _latest(scene, tx, asked.symbol)
    if asked.symbol is not None and not rows:
        watched = ", ".join(symbol for symbol, _ in scene.symbols)
        return lacks(asked, "not_watched", watched=watched)
    figures: dict[str, Figure] = {
        "state": str(control.state),
        "reason": control.reason,
        "mode": str(control.mode),
        "by": control.changed_by,
        "since": control.changed_at,
        "paused": ", ".join(control.paused_symbols),
    }
    return Evidence(asked=asked, figures=figures, rows=rows)


async def halts(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """Stops and resumptions of a time, with who and why, the newest first."""
    period = scene.period(asked)
    found = await tx.history.list(actions=(Action.AI_HALTED, Action.AI_RESUMED), limit=_LISTED)
    inside = [one for one in found if period.since <= _at(one) < period.until]
    if len(found) == _LISTED and len(inside) == _LISTED:
        return too_many(scene, asked)
    names = await names_of(tx)
    rows: list[Row] = [
        {
            "number": one.seq,
            "action": str(one.entry.action),
            "at": _at(one),
            "by": names.get(one.entry.actor, one.entry.actor),
            "code": (one.entry.risk_check_result or "").partition(":")[2],
        }
        for one in inside
    ]
    halted = sum(one.entry.action is Action.AI_HALTED for one in inside)
    return await found_in(
        scene, tx, asked,
        figures={"halted": halted, "resumed": len(inside) - halted},
        rows=rows[:10],
        records=[one.seq for one in inside],
        is_empty=not inside,
    )  # fmt: skip


def _at(decision: Decision) -> datetime:
    return decision.entry.market_time or decision.entry.occurred_at


async def activity(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """What was decided and done in a time, counted."""
    period = scene.period(asked)
    counted = await tx.recorded.counts(
        COUNTED, period.since, period.until, symbol=asked.symbol, most=MOST_RECORDS
    )
    trades = await tx.recorded.trades(
        period.since, period.until, symbol=asked.symbol, most=MOST_TRADES
    )
    if counted is None or trades is None:
        return too_many(scene, asked)
    figures: dict[str, Figure] = {str(action): 0 for action in COUNTED}
    for one in counted:
        figures[one.action] = one.records + int(figures[one.action] or 0)  # type: ignore[arg-type]
    figures["closed"] = len(whole(trades))
    return await found_in(
        scene, tx, asked,
        figures=figures,
        records=[max((one.last for one in counted), default=0)] if counted else (),
        is_empty=not counted and not trades,
    )  # fmt: skip


async def lost(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """Trades that the venue showed no more, nor their end."""
    period = scene.period(asked)
    found = await tx.history.list(
        symbol=asked.symbol, actions=(Action.POSITION_LOST,), limit=_LISTED
    )
    inside = [one for one in found if period.since <= _at(one) < period.until]
    if len(inside) == _LISTED:
        return too_many(scene, asked)
    rows: list[Row] = [
        {"number": one.seq, "at": _at(one), "symbol": one.entry.symbol} for one in inside
    ]
    return await found_in(
        scene, tx, asked,
        figures={"lost": len(inside)},
        rows=rows[:10],
        records=[one.seq for one in inside],
        is_empty=not inside,
    )  # fmt: skip
