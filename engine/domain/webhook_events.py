"""The events that leave the house, by the names their receivers know."""

from enum import StrEnum

from engine.domain.decision import Action


class EventType(StrEnum):
    """What a message is about; these names are public and never change."""

    IDEA_PROPOSED = "idea.proposed"
    IDEA_ORDERED = "idea.ordered"
    IDEA_AUTO_EXECUTED = "idea.auto_executed"
    IDEA_APPROVED = "idea.approved"
    IDEA_REJECTED = "idea.rejected"
    IDEA_EXPIRED = "idea.expired"
    IDEA_REFUSED = "idea.refused"
    ORDER_SENDING = "order.sending"
    ORDER_FILLED = "order.filled"
    ORDER_REJECTED = "order.rejected"
    ORDER_UNKNOWN = "order.unknown"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_ABSENT = "order.absent"
    POSITION_CLOSED = "position.closed"
    POSITION_ORDERED = "position.ordered"
    POSITION_SENDING = "position.sending"
    POSITION_CHANGED = "position.changed"
    POSITION_REFUSED = "position.refused"
    POSITION_UNKNOWN = "position.unknown"
    POSITION_ABSENT = "position.absent"
    POSITION_CANCELLED = "position.cancelled"
    TRADING_HALTED = "trading.halted"
    TRADING_RESUMED = "trading.resumed"
    MODE_CHANGED = "mode.changed"
    SYMBOL_PAUSED = "symbol.paused"
    SYMBOL_RESUMED = "symbol.resumed"
    SETTINGS_CHANGED = "settings.changed"
    STRATEGY_CHANGED = "strategy.changed"
    PROPOSAL_MADE = "proposal.made"
    PROPOSAL_APPROVED = "proposal.approved"
    PROPOSAL_REJECTED = "proposal.rejected"
    PROPOSAL_EXPIRED = "proposal.expired"
    PROPOSAL_STALE = "proposal.stale"
    COMMAND_FINISHED = "command.finished"
    LIVE_CONFIRMED = "live.confirmed"
    LIVE_REVOKED = "live.revoked"
    DELIVERY_FAILED = "webhook.delivery_failed"
    TEST = "webhook.test"


#: The records that leave the house, and as what. Judged candles without an idea and who uses the
#: bot do not.
EVENTS = {
    Action.AI_PROPOSED: EventType.IDEA_PROPOSED,
    Action.HUMAN_PROPOSED: EventType.IDEA_ORDERED,
    Action.AI_AUTO_EXECUTED: EventType.IDEA_AUTO_EXECUTED,
    Action.HUMAN_APPROVED: EventType.IDEA_APPROVED,
    Action.HUMAN_REJECTED: EventType.IDEA_REJECTED,
    Action.IDEA_EXPIRED: EventType.IDEA_EXPIRED,
    Action.RISK_REJECTED: EventType.IDEA_REFUSED,
    Action.ORDER_SENDING: EventType.ORDER_SENDING,
    Action.ORDER_FILLED: EventType.ORDER_FILLED,
    Action.ORDER_REJECTED: EventType.ORDER_REJECTED,
    Action.ORDER_UNKNOWN: EventType.ORDER_UNKNOWN,
    Action.ORDER_CANCELLED: EventType.ORDER_CANCELLED,
    Action.ORDER_ABSENT: EventType.ORDER_ABSENT,
    Action.POSITION_CLOSED: EventType.POSITION_CLOSED,
    Action.POSITION_ORDERED: EventType.POSITION_ORDERED,
    Action.POSITION_SENDING: EventType.POSITION_SENDING,
    Action.POSITION_CHANGED: EventType.POSITION_CHANGED,
    Action.POSITION_REFUSED: EventType.POSITION_REFUSED,
    Action.POSITION_UNKNOWN: EventType.POSITION_UNKNOWN,
    Action.POSITION_ABSENT: EventType.POSITION_ABSENT,
    Action.POSITION_CANCELLED: EventType.POSITION_CANCELLED,
    Action.AI_HALTED: EventType.TRADING_HALTED,
    Action.AI_RESUMED: EventType.TRADING_RESUMED,
    Action.MODE_CHANGED: EventType.MODE_CHANGED,
    Action.SYMBOL_PAUSED: EventType.SYMBOL_PAUSED,
    Action.SYMBOL_RESUMED: EventType.SYMBOL_RESUMED,
    Action.SETTINGS_CHANGED: EventType.SETTINGS_CHANGED,
    Action.STRATEGY_CHANGED: EventType.STRATEGY_CHANGED,
    Action.PROPOSAL_MADE: EventType.PROPOSAL_MADE,
    Action.PROPOSAL_APPROVED: EventType.PROPOSAL_APPROVED,
    Action.PROPOSAL_REJECTED: EventType.PROPOSAL_REJECTED,
    Action.PROPOSAL_EXPIRED: EventType.PROPOSAL_EXPIRED,
    Action.PROPOSAL_STALE: EventType.PROPOSAL_STALE,
    Action.COMMAND_FINISHED: EventType.COMMAND_FINISHED,
    Action.LIVE_CONFIRMED: EventType.LIVE_CONFIRMED,
    Action.LIVE_REVOKED: EventType.LIVE_REVOKED,
    Action.WEBHOOK_DELIVERY_FAILED: EventType.DELIVERY_FAILED,
}
