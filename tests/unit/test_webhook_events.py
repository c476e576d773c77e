"""What leaves by a webhook: the events, what they tell and hide, and the receiver of the guide."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.i18n import LANGUAGES, Words
from bot.logs import mask
from bot.views.hooks import told
from engine.domain.change_proposal import applied_reason
from engine.domain.decision import Action
from engine.domain.settings import back_to
from engine.domain.webhook_events import EVENTS, EventType
from engine.domain.webhooks import (
    LARGEST,
    Why,
    headers,
    secret_text,
)
from engine.flow.webhook_messages import event_of
from engine.snapshot.canonical import plain
from tests.builders import HOUR, NOW, approval, decision


def test_every_record_that_leaves_has_a_type_of_its_own() -> None:
    assert len(set(EVENTS.values())) == len(EVENTS)
    assert set(EventType) - set(EVENTS.values()) == {EventType.TEST}


@pytest.mark.parametrize("action", list(EVENTS))
def test_a_message_tells_nothing_that_is_not_named(action: Action) -> None:
    """Whatever a record comes to hold, chats, tokens and unknown fields stay in the house."""
    hidden = "canary-4711"
    parts = {
        name: {"chat_id": hidden, "decided_chat": hidden, "account_id": hidden, "new": hidden,
               "volume": "0.10", "reason": "x"}
        for name in ("approval", "order", "trade", "position_order", "before", "after",
                     "confirmation", "late", "outcome", "evaluation", "result_json")
    } | {
        "proposal": {"mark": hidden, "decided_name": hidden, "draft": {
            "document": hidden, "grounds": [hidden], "subject": {"target": "settings", "x": hidden},
            "changes": [{"field": "idea_ttl_seconds", "before": "1", "after": "2", "x": hidden}]}}
    }  # fmt: skip
    record = decision(
        action=action, actor="person:1", bundle_hash=None,
        detail={**parts, "idea": 12, "chat_id": hidden, "token": hidden},
        rationale="by bot 123456789:AAHfiqksKZ8WmR2zSjiQ7_v4TMAKdiHm9T0 at http://me:pw@h/",
    )  # fmt: skip
    event = event_of(record, {1: "Ann"}, mask)
    assert hidden not in event.body
    assert "AAHfiqks" not in event.body
    assert "pw@" not in event.body
    document = json.loads(event.body)
    assert document["type"] == str(EVENTS[action])
    assert document["timestamp"].endswith("Z")
    assert document["data"]["actor"] == {"kind": "person", "id": 1, "name": "Ann"}
    assert document["data"]["record"] == record.seq


def test_an_approval_is_told_without_the_chat() -> None:
    given_ = plain(approval(decided_by=1, decided_name="Ann", decided_chat=-100123456))
    record = decision(action=Action.HUMAN_APPROVED, detail={"idea": 3, "approval": given_})
    body = event_of(record, {}, mask).body
    assert "100123456" not in body
    assert json.loads(body)["data"]["approval"]["decided_name"] == "Ann"


def test_a_proposal_is_told_with_its_changes_and_how_it_ended() -> None:
    made = {
        "proposal_id": 7,
        "proposal": {
            "id": 7, "expires_at": "2026-03-10T12:00:00Z", "stops": True,
            "draft": {
                "source": "model", "by": "llama3", "said": "Less risk after losses.",
                "subject": {"target": "settings", "key": "", "version": 3, "name": ""},
                "changes": [{"field": "risk_per_trade_percent", "before": "1", "after": "0.5"}],
            },
        },
    }  # fmt: skip
    told = json.loads(event_of(decision(action=Action.PROPOSAL_MADE, detail=made), {}, mask).body)
    assert told["type"] == "proposal.made"
    assert told["data"]["proposal"] == {
        "id": 7, "source": "model", "by": "llama3", "said": "Less risk after losses.",
        "expires_at": "2026-03-10T12:00:00Z", "stops": True,
        "subject": {"target": "settings", "key": "", "version": 3, "name": ""},
        "changes": [{"field": "risk_per_trade_percent", "before": "1", "after": "0.5"}],
    }  # fmt: skip
    ended = {"proposal_id": 7, "subject": "settings:", "applied": 4}
    told = json.loads(
        event_of(decision(action=Action.PROPOSAL_APPROVED, detail=ended), {}, mask).body
    )
    assert told["data"]["proposal"] == {"id": 7, "subject": "settings:", "applied": 4}


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (applied_reason(7), {"proposal_id": 7}),
        (back_to(2), {"rolled_back_to": 2}),
        ("after losses", {}),
    ],
)
def test_a_change_says_what_it_came_of(reason: str, told: dict[str, int]) -> None:
    for action in (Action.SETTINGS_CHANGED, Action.STRATEGY_CHANGED):
        record = decision(action=action, detail={"reason": reason, "to": 3})
        data = json.loads(event_of(record, {}, mask).body)["data"]
        names = {"proposal_id", "rolled_back_to"}
        assert {name: data[name] for name in names & set(data)} == told


def test_a_message_stays_below_what_receivers_take() -> None:
    changes = {f"setting_{number}": ["ß" * 400, "م" * 400] for number in range(200)}
    record = decision(
        action=Action.SETTINGS_CHANGED, detail={"changes": changes}, rationale="م" * 9999
    )
    event = event_of(record, {}, mask)
    assert len(event.body.encode()) < LARGEST
    assert json.loads(event.body)["data"]["is_shortened"] is True


def test_a_message_of_the_same_record_is_the_same_to_the_byte() -> None:
    record = decision(action=Action.ORDER_FILLED)
    assert event_of(record, {}, mask) == event_of(record, {}, mask)
    carried = headers(event_of(record, {}, mask), NOW, [b"k" * 32])
    assert carried["webhook-id"].replace("-", "") == record.hash[:32]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_chat_tells_of_every_trouble_in_every_language(language: str) -> None:
    words = Words(language)
    about = {"id": 3, "host": "hooks.example", "description": "x"}
    for why in Why:
        text = told(words, {**about, "what": "failed", "why": str(why), "status": 500,
                            "type": "order.filled", "attempts": 11})  # fmt: skip
        assert "hooks.example" in text
        assert "ai-trader webhook log" in text
    for what in ("gone", "failing"):
        for count in (0, 1, 2, 7):
            assert "ai-trader webhook on" in told(
                words, {**about, "what": what, "cancelled": count}
            )


async def test_the_guides_receiver_accepts_what_is_ours_and_nothing_else() -> None:
    """The code of docs/webhooks.md, as it stands there."""
    guide = (Path(__file__).parents[2] / "docs/webhooks.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(code, namespace)
    verified = namespace["verified"]
    event = event_of(decision(action=Action.ORDER_FILLED), {}, mask)
    key, other = b"k" * 32, b"o" * 32
    now = datetime.now(UTC)
    carried, body = headers(event, now, [other, key]), event.body.encode()
    assert verified(secret_text(key), carried, body)
    assert verified(secret_text(other), carried, body)
    assert not verified(secret_text(b"x" * 32), carried, body)
    assert not verified(secret_text(key), carried, body + b" ")
    assert not verified(secret_text(key), headers(event, now - HOUR, [key]), body)


def test_the_guide_names_every_type_of_event() -> None:
    guide = (Path(__file__).parents[2] / "docs/webhooks.md").read_text("utf-8")
    assert {kind for kind in EventType if f"`{kind}`" not in guide} == set()
