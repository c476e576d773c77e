"""Row to domain and back: the only module that knows both shapes of a thing."""

import json
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple
from uuid import UUID

from engine.domain.account import Position
from engine.domain.approval import Approval
from engine.domain.decision import Decision, Entry
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.order import ClosedTrade, Order
from engine.domain.person import Person, Role
from engine.domain.preferences import Preferences
from engine.domain.strategy import Strategy
from engine.snapshot.canonical import plain, restore
from storage.chain import instant
from storage.models import (
    ApprovalRow,
    IdeaRow,
    OrderRow,
    PersonRow,
    PositionRow,
    StrategyRow,
)

_CENT = Decimal("0.01")


def json_text(document: Any) -> str:
    """A document as PostgreSQL takes it where a statement is written by hand.

    jsonb refuses NUL and lone surrogates, and people can send both: they become "�".
    """
    return json.dumps(_storable(document), separators=(",", ":"))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_storable(key): _storable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(part) for part in value]
    return value


def idea_columns(idea: Idea, rationale: str) -> dict[str, Any]:
    """An idea as columns; the document keeps every digit."""
    proposal = idea.proposal
    return {
        "id": idea.id,
        "number": idea.number,
        "symbol": proposal.symbol,
        "timeframe": str(proposal.timeframe),
        "direction": str(proposal.direction),
        "entry_price": proposal.entry,
        "stop_loss": proposal.stop_loss,
        "take_profit": [str(price) for price in proposal.take_profit],
        "rationale": rationale,
        "confidence_score": idea.confidence.score,
        "status": str(idea.status),
        "strategy_id": idea.strategy_id,
        "snapshot_ref": idea.bundle_hash,
        "document": plain(idea),
        "market_time": idea.market_time,
        "created_at": idea.created_at,
    }


def idea_of(row: IdeaRow) -> Idea:
    """The idea with the status of its column, which moves after the document was written."""
    return restore(Idea, {**row.document, "status": IdeaStatus(row.status), "number": row.number})


def approval_of(row: ApprovalRow) -> Approval:
    """An approval."""
    return restore(Approval, row.document)


def order_columns(order: Order) -> dict[str, Any]:
    """An order as columns."""
    return {
        "client_id": order.client_id,
        "idea_id": order.idea_id,
        "account_id": order.account_id,
        "symbol": order.symbol,
        "state": str(order.state),
        "sending_at": order.sending_at,
        "document": plain(order),
        "created_at": order.created_at,
    }


def order_of(row: OrderRow) -> Order:
    """An order."""
    return restore(Order, row.document)


def trade_of(row: PositionRow) -> Position | ClosedTrade:
    """An open position or a closed trade."""
    if row.is_open:
        return restore(Position, row.document)
    return restore(ClosedTrade, row.document)


class EntryColumns(NamedTuple):
    """The columns that repeat parts of a record's body, in the order in which they are hashed."""

    occurred_at: datetime
    market_time: datetime | None
    symbol: str | None
    action: str
    actor: str
    rationale: str
    confidence_score: Decimal | None
    risk_check_result: str | None
    strategy_id: UUID | None
    trade_idea_id: UUID | None
    snapshot_ref: str | None
    human_override: bool


def entry_columns(entry: Entry) -> EntryColumns:
    """A record's columns, the score rounded as the table would."""
    score = entry.confidence_score
    return EntryColumns(
        occurred_at=entry.occurred_at,
        market_time=entry.market_time,
        symbol=entry.symbol,
        action=str(entry.action),
        actor=entry.actor,
        rationale=entry.rationale,
        confidence_score=None if score is None else score.quantize(_CENT, ROUND_HALF_UP),
        risk_check_result=entry.risk_check_result,
        strategy_id=entry.strategy_id,
        trade_idea_id=entry.idea_id,
        snapshot_ref=entry.bundle_hash,
        human_override=entry.human_override,
    )


def hashed(columns: EntryColumns) -> list[str | None]:
    """The same as the database prints them, but for instants."""
    return [None if value is None else _printed(value) for value in columns]


def _printed(value: Any) -> str:
    if isinstance(value, datetime):
        return instant(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def decision_of(seq: int, hash: str, previous_hash: str, body: str) -> Decision:  # noqa: A002
    """A record from its row."""
    entry = restore(Entry, json.loads(body))
    return Decision(seq=seq, hash=hash, previous_hash=previous_hash, entry=entry)


def person_of(row: PersonRow) -> Person:
    """A person."""
    return Person(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        language=row.language,
        timezone=row.timezone,
        chat_id=row.chat_id,
        version=row.version,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        last_seen=row.last_seen,
        unreachable_since=row.unreachable_since,
        notify=restore(Preferences, row.notify or {}),
    )


def person_columns(person: Person) -> dict[str, Any]:
    """What may be changed of a person. When they were last seen is written by itself."""
    return {
        "name": person.name,
        "role": str(person.role),
        "language": person.language,
        "timezone": person.timezone,
        "chat_id": person.chat_id,
        "version": person.version,
        "decided_by": person.decided_by,
        "decided_at": person.decided_at,
        "unreachable_since": person.unreachable_since,
        "notify": plain(person.notify),
    }


def strategy_of(row: StrategyRow) -> Strategy:
    """The strategy in its current version."""
    return restore(Strategy, row.document)


def strategy_columns(strategy: Strategy, position: int) -> dict[str, Any]:
    """A strategy as the columns of source 004."""
    document = plain(strategy)
    return {
        "id": strategy.id,
        "position": position,
        "version": strategy.version,
        "name": strategy.name,
        "is_active": strategy.is_active,
        "allowed_symbols": document["allowed_symbols"],
        "session_windows": document["session_windows"],
        "entry_conditions": document["entry_conditions"],
        "exit_rules": document["exit_rules"],
        "forbidden_conditions": document["forbidden_conditions"],
        "risk_caps": document["risk_caps"],
        "rr_expectation": strategy.rr_expectation,
        "document": document,
    }
