"""What every step of an operator's command shares: its record, its end, and who hears of it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.operator_command import CommandStatus, OperatorCommand
from engine.domain.person import Role
from engine.ports import Transaction
from engine.snapshot.canonical import plain


def record(
    action: Action,
    command: OperatorCommand,
    now: datetime,
    rationale: str,
    /,
    *,
    market_time: datetime | None = None,
    result: str | None = None,
    **detail: Any,
) -> Entry:
    """The history record of a step (source 002's ``audit_log`` with its ``command_id``)."""
    given = action is Action.COMMAND_QUEUED
    told = {
        "command_id": command.id,
        "type": str(command.type),
        "payload": plain(command.payload),
        "status": str(command.status),
    }
    return Entry(
        action=action,
        occurred_at=now,
        actor=command.actor if given else "system",
        symbol=command.payload.pair,
        market_time=market_time,
        rationale=f"command {command.id} {command.type}: {rationale}",
        risk_check_result=result,
        human_override=given,
        detail={**told, **detail},
    )


def done(command: OperatorCommand, now: datetime, action: dict[str, Any]) -> Entry:
    """The record of one action of a command."""
    rationale = " ".join(
        str(action[key]) for key in ("action", "outcome", "reason") if key in action
    )
    return record(
        Action.COMMAND_ACTION,
        command,
        now,
        rationale,
        result="pass" if action["outcome"] != "failed" else f"fail:{action['reason']}"[:60],
        action=action,
    )


async def held(tx: Transaction, command: OperatorCommand) -> OperatorCommand | None:
    """The command, locked, if the one who claimed it still holds it; None when its lease ran out
    and somebody else took it, or it is over.
    """
    found = await tx.operator_commands.take(command.id)
    if found is None or found.status is not CommandStatus.RUNNING or found.claim != command.claim:
        return None
    return found


async def finish(
    tx: Transaction,
    command: OperatorCommand,
    status: CommandStatus,
    now: datetime,
    *,
    reason: str | None = None,
    **facts: Any,
) -> tuple[OperatorCommand, Entry]:
    """End a command that is held; the answer is its record, the caller's to append last. Admins
    are told of one that failed.
    """
    result = {**command.result, "actions": command.actions, **facts}
    if reason is not None:
        result["reason"] = reason
    after = replace(
        command, status=status, finished_at=now, lease_until=None, waits=False, result=result
    )
    await tx.operator_commands.save(after)
    if status is CommandStatus.FAILED:
        await tx.outbox.tell(_failed(after, reason), Audience(at_least=Role.ADMIN))
    entry = record(
        Action.COMMAND_FINISHED,
        after,
        now,
        f"{status}{f' {reason}' if reason else ''}",
        result="pass" if status is not CommandStatus.FAILED else f"fail:{reason}"[:60],
        result_json=result,
    )
    return after, entry


def _failed(command: OperatorCommand, reason: str | None) -> Notice:
    return Notice(
        kind=Kind.COMMAND_FAILED,
        key=f"command:{command.id}",
        priority=Priority.SAFETY,
        detail={
            "id": command.id,
            "type": str(command.type),
            "pair": command.payload.pair,
            "by": command.actor_name,
            "reason": reason,
            "failed": sum(action["outcome"] == "failed" for action in command.actions),
            "actions": len(command.actions),
        },
    )
