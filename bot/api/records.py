"""Records of the decision history as these paths tell them: source 004 §6.5, and their number."""

from uuid import UUID

from bot.api.fields import Instant, Number, Told
from engine.domain.decision import Action, Decision
from engine.domain.explanation import Explanation, Fate


class RecordTold(Told):
    """One record; ``seq`` is the number people say."""

    seq: int
    occurred_at: Instant
    symbol: str | None
    action: Action
    actor: str
    rationale: str
    confidence_score: Number | None
    risk_check_result: str | None
    strategy_id: UUID | None
    trade_idea_id: UUID | None
    snapshot_ref: str | None
    human_override: bool


def record_of(decision: Decision) -> RecordTold:
    """A record as it is told."""
    entry = decision.entry
    return RecordTold(
        seq=decision.seq,
        occurred_at=entry.occurred_at,
        symbol=entry.symbol,
        action=entry.action,
        actor=entry.actor,
        rationale=entry.rationale,
        confidence_score=entry.confidence_score,
        risk_check_result=entry.risk_check_result,
        strategy_id=entry.strategy_id,
        trade_idea_id=entry.idea_id,
        snapshot_ref=entry.bundle_hash,
        human_override=entry.human_override,
    )


class ExplanationTold(Told):
    """What a language model said of it; only a ``shown`` one has a text, the others a reason."""

    language: str
    fate: Fate
    text: str
    reason: str | None
    model: str | None


def explanation_told(said: Explanation) -> ExplanationTold:
    """One, as the API tells it."""
    return ExplanationTold(
        language=said.language,
        fate=said.fate,
        text=said.text,
        reason=said.reason,
        model=said.model,
    )
