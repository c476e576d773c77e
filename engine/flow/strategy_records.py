"""A version of a strategy as it is kept, told to the others and recorded."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Person
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.ports import Transaction
from engine.snapshot.canonical import plain
from engine.strategies.changes import Change, diff
from engine.strategies.documents import document

_REASON_LENGTH = 200
#: So many differences are told to the others; the record has them all.
_TOLD = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What a change made of a strategy; ``before`` is None for a new one."""

    before: Strategy | None
    after: Strategy
    changes: tuple[Change, ...]


async def write_version(
    tx: Transaction, before: Strategy | None, after: Strategy, person: Person | None, reason: str
) -> Changed:
    """Save a strategy's next version, tell everybody but ``person``, and append its record.

    ``before`` is None for a new strategy, ``person`` for the command line. Raises
    :class:`InvalidInput` for no reason or one too long, and :class:`Outdated` where another
    version than ``before`` is in force.
    """
    reason = _said(reason)
    by = "cli" if person is None else person.name
    # Every send holds the control while it begins: none begins under a version that is gone.
    await tx.controls.take()
    saved = await tx.settings.save_strategy(
        after,
        by=by[:60],
        reason=reason,
        expected=0 if before is None else before.version,
    )
    made = Changed(before=before, after=saved, changes=diff(before, saved))
    others = Audience(but=None if person is None else person.id)
    await tx.outbox.tell(_notice(made, by, reason), others)
    await tx.history.append(_entry(made, person, reason, await tx.now()))
    return made


def _said(reason: str) -> str:
    reason = " ".join(reason.split())
    if not 0 < len(reason) <= _REASON_LENGTH:
        raise InvalidInput(
            f"say in 1 to {_REASON_LENGTH} characters why the strategy changes",
            mistake="reason",
            field="reason",
            most=_REASON_LENGTH,
        )
    return reason


def _notice(made: Changed, by: str, reason: str) -> Notice:
    saved = made.after
    return Notice(
        kind=Kind.STRATEGY,
        key=f"strategy:{saved.id}:{saved.version}",
        priority=Priority.SAFETY,
        detail={
            "by": by,
            "reason": reason,
            "name": saved.name,
            "version": saved.version,
            "changes": [plain(change) for change in made.changes[:_TOLD]],
        },
    )


def _entry(made: Changed, person: Person | None, reason: str, now: datetime) -> Entry:
    saved = made.after
    return Entry(
        action=Action.STRATEGY_CHANGED,
        occurred_at=now,
        actor="cli" if person is None else f"person:{person.id}",
        rationale=f"{saved.name}, version {saved.version}: {reason}",
        strategy_id=saved.id,
        strategy_version=saved.version,
        human_override=True,
        detail={
            "reason": reason,
            "version": saved.version,
            "changes": [plain(change) for change in made.changes],
            "before": None if made.before is None else _kept(made.before),
            "after": _kept(saved),
        },
    )


def _kept(strategy: Strategy) -> dict[str, Any]:
    return {"is_active": strategy.is_active, **document(strategy)}
