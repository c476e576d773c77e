"""What a record of the history says to the world outside: chosen fields, and nothing else of it.

Each type names the parts of the record that leave the house. What is not named here stays, so that
something new in a record cannot leak: chats, accounts, texts of other programs.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from engine.domain.change_proposal import proposal_of
from engine.domain.decision import Action, Decision, Entry
from engine.domain.settings import returned_to
from engine.domain.values import utc
from engine.domain.webhook_events import EVENTS, EventType
from engine.domain.webhooks import LARGEST, Endpoint, Event

#: Makes a text fit to be told: what looks like a secret in it is masked.
Mask = Callable[[str], str]
_LONGEST_TEXT = 500

_IDEA = ("timeframe", "direction", "entry", "stop_loss", "take_profit", "time_limit_min")
_SIZE = ("volume", "risk_money", "risk_percent")
_PARTS = ("strategy_match", "market_risk", "account_comfort")
_APPROVAL = (
    "ending", "expires_at", "proposed_price", "proposed_spread", "decided_name", "decided_at",
    "tap_price", "tap_spread", "drift_r", "volume", "detail",
)  # fmt: skip
_ORDER = (
    "client_id", "direction", "volume", "stop_loss", "take_profit", "state", "created_at",
    "sending_at", "broker_id", "fill_price", "filled_at", "reason", "unfilled",
)  # fmt: skip
_TRADE = (
    "position_id", "client_id", "direction", "volume", "entry_price", "exit_price", "profit",
    "commission", "swap", "opened_at", "closed_at", "reason",
)  # fmt: skip
_POSITION_ORDER = (
    "client_id", "position_id", "deed", "state", "asked_name", "created_at", "sending_at",
    "volume_left", "stop_loss", "take_profit", "price", "volume_closed", "reason", "rule",
)  # fmt: skip
_CONTROL = ("state", "reason", "mode", "paused_symbols", "changed_by", "version")
_COMMAND = ("command_id", "type", "payload", "status")
_DRAFT, _CHANGE = ("source", "by", "said"), ("field", "before", "after")
_SUBJECT = ("target", "key", "version", "name")
_FAILED = ("endpoint", "description", "event", "type", "attempts", "reason")


def event_of(decision: Decision, names: Mapping[int, str], mask: Mask) -> Event:
    """The message of a record that leaves the house (:data:`EVENTS`). Its id is the record's own;
    ``names`` are those of people.
    """
    entry = decision.entry
    kind = EVENTS[entry.action]
    core = {
        "record": decision.seq,
        "action": str(entry.action),
        "actor": actor_of(entry.actor, names),
        "symbol": entry.symbol,
        "market_time": None if entry.market_time is None else instant(entry.market_time),
        "idea": _idea(entry),
        "strategy": _strategy(entry),
        "confidence": None if entry.confidence_score is None else f"{entry.confidence_score:f}",
        "result": entry.risk_check_result,
        "rationale": entry.rationale,
    }
    core = _clean({name: part for name, part in core.items() if part is not None}, mask)
    told = _clean(_details(entry), mask)
    id_ = str(UUID(decision.hash[:32]))
    whole = _event(id_, kind, entry.occurred_at, {**core, **told})
    if len(whole.body.encode()) < LARGEST:
        return whole
    return _event(id_, kind, entry.occurred_at, {**core, "is_shortened": True})


def test_event(endpoint: Endpoint, now: datetime) -> Event:
    """A message that says nothing but that messages arrive."""
    id_ = str(uuid5(NAMESPACE_URL, f"ai-trader:webhook-test:{endpoint.id}:{now.isoformat()}"))
    data = {"endpoint": endpoint.id, "description": endpoint.description}
    return _event(id_, EventType.TEST, now, data)


def actor_of(actor: str, names: Mapping[int, str]) -> dict[str, Any]:
    """Who acted, as the history names them, a person with the name."""
    kind, _, number = actor.partition(":")
    if kind != "person" or not number.isdigit():
        return {"kind": kind}
    found: dict[str, Any] = {"kind": kind, "id": int(number)}
    name = names.get(int(number))
    return found if name is None else {**found, "name": name}


def people_in(decisions: Sequence[Decision]) -> frozenset[int]:
    """The numbers of the people who acted."""
    actors = (decision.entry.actor.partition(":") for decision in decisions)
    return frozenset(int(who) for kind, _, who in actors if kind == "person" and who.isdigit())


def instant(at: datetime) -> str:
    """An instant as messages write it: ISO 8601 in UTC, with Z."""
    return utc(at).isoformat().replace("+00:00", "Z")


def _event(id_: str, kind: EventType, at: datetime, data: Mapping[str, Any]) -> Event:
    document = {"type": str(kind), "timestamp": instant(at), "data": data}
    body = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Event(id=id_, type=kind, body=body)


def _idea(entry: Entry) -> dict[str, Any] | None:
    if entry.idea_id is None:
        return None
    number = entry.detail.get("idea")
    found: dict[str, Any] = {"id": str(entry.idea_id)}
    return {**found, "number": number} if isinstance(number, int) else found


def _strategy(entry: Entry) -> dict[str, Any] | None:
    if entry.strategy_id is None:
        return None
    return {"id": str(entry.strategy_id), "version": entry.strategy_version}


def _details(entry: Entry) -> dict[str, Any]:
    told = _TOLD.get(entry.action)
    return {} if told is None else told(entry.detail)


def _pick(document: Any, names: Sequence[str]) -> dict[str, Any]:
    """The named fields that are there."""
    if not isinstance(document, dict):
        return {}
    return {name: document[name] for name in names if document.get(name) is not None}


def _proposal(detail: dict[str, Any]) -> dict[str, Any]:
    """A new idea: levels, size, the parts of its score, and the checks that are closed."""
    outcome = detail.get("outcome")
    if not isinstance(outcome, dict):
        # Refused at the tap.
        return _answer(detail)
    evaluation, report = outcome.get("evaluation") or {}, outcome.get("report") or {}
    return {
        **_pick(evaluation.get("proposal"), _IDEA),
        "size": _pick(outcome.get("sizing"), _SIZE),
        "confidence_parts": _pick(outcome.get("confidence"), _PARTS),
        "closed": [check["code"] for check in report.get("checks", ()) if not check["passed"]],
        **_pick(detail, ("client_id",)),
    }


def _answer(detail: dict[str, Any]) -> dict[str, Any]:
    return {"approval": _pick(detail.get("approval"), _APPROVAL)}


def _order(detail: dict[str, Any]) -> dict[str, Any]:
    late = detail.get("late")
    if isinstance(late, dict):
        return {"is_late": True, "deal": _pick(late.get("deal"), ("price", "volume"))}
    return {"order": _pick(detail.get("order"), _ORDER)}


def _trade(detail: dict[str, Any]) -> dict[str, Any]:
    return {"trade": _pick(detail.get("trade"), _TRADE)}


def _position_order(detail: dict[str, Any]) -> dict[str, Any]:
    return {"position_order": _pick(detail.get("position_order"), _POSITION_ORDER)}


def _control(detail: dict[str, Any]) -> dict[str, Any]:
    found = {when: _pick(detail.get(when), _CONTROL) for when in ("before", "after")}
    return {when: part for when, part in found.items() if part}


def _settings(detail: dict[str, Any]) -> dict[str, Any]:
    return {**_pick(detail, ("reason", "from", "to", "changes")), **_came_of(detail)}


def _strategy_change(detail: dict[str, Any]) -> dict[str, Any]:
    after = detail.get("after")
    name = after.get("name") if isinstance(after, dict) else None
    return {"name": name, **_pick(detail, ("reason", "version", "changes")), **_came_of(detail)}


def _came_of(detail: dict[str, Any]) -> dict[str, Any]:
    """The approved proposal that a change is of, and the older version it goes back to."""
    reason = str(detail.get("reason", ""))
    found = {"proposal_id": proposal_of(reason), "rolled_back_to": returned_to(reason)}
    return {name: number for name, number in found.items() if number is not None}


def _change_proposal(detail: dict[str, Any]) -> dict[str, Any]:
    """A proposal to change the configuration: what it would change, by whom, and until when it
    waits; of one that has ended, its subject and the version that it made.
    """
    told = {"id": detail.get("proposal_id"), **_pick(detail, ("subject", "applied"))}
    made = detail.get("proposal")
    draft = made.get("draft") if isinstance(made, dict) else None
    if isinstance(draft, dict):
        told |= _pick(made, ("expires_at", "stops")) | _pick(draft, _DRAFT)
        told["subject"] = _pick(draft.get("subject"), _SUBJECT)
        told["changes"] = [_pick(change, _CHANGE) for change in draft.get("changes", ())]
    return {"proposal": told}


def _command(detail: dict[str, Any]) -> dict[str, Any]:
    result = detail.get("result_json")
    reason = result.get("reason") if isinstance(result, dict) else None
    return {"command": {**_pick(detail, _COMMAND), "reason": reason}}


def _live(detail: dict[str, Any]) -> dict[str, Any]:
    return _pick(detail.get("confirmation"), ("venue",))


def _delivery(detail: dict[str, Any]) -> dict[str, Any]:
    return {"delivery": _pick(detail, _FAILED)}


_TOLD: Mapping[Action, Callable[[dict[str, Any]], dict[str, Any]]] = {
    Action.AI_PROPOSED: _proposal,
    Action.HUMAN_PROPOSED: _proposal,
    Action.AI_AUTO_EXECUTED: _proposal,
    Action.RISK_REJECTED: _proposal,
    **dict.fromkeys(
        (Action.HUMAN_APPROVED, Action.HUMAN_REJECTED, Action.IDEA_EXPIRED), _answer
    ),
    **{action: _order for action in EVENTS if action.startswith("order_")},
    **{action: _position_order for action in EVENTS if action.startswith("position_")},
    Action.POSITION_CLOSED: _trade,
    **dict.fromkeys(
        (
            Action.AI_HALTED, Action.AI_RESUMED, Action.MODE_CHANGED, Action.SYMBOL_PAUSED,
            Action.SYMBOL_RESUMED,
        ),
        _control,
    ),
    Action.SETTINGS_CHANGED: _settings,
    Action.STRATEGY_CHANGED: _strategy_change,
    **{action: _change_proposal for action in EVENTS if action.startswith("proposal_")},
    Action.COMMAND_FINISHED: _command,
    Action.LIVE_CONFIRMED: _live,
    Action.LIVE_REVOKED: _live,
    Action.WEBHOOK_DELIVERY_FAILED: _delivery,
}  # fmt: skip


def _clean(value: Any, mask: Mask) -> Any:
    """Texts of a bearable length, with nothing in them that looks like a secret."""
    if isinstance(value, str):
        return mask(value[:_LONGEST_TEXT])
    if isinstance(value, dict):
        return {name: _clean(part, mask) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(part, mask) for part in value]
    return value
