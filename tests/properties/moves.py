"""The tables of the contract, written out again: which moves there are, and what records them."""

IDEA = {
    (None, "needs_approval"),
    (None, "auto_executed"),
    (None, "rejected"),
    (None, "halted_by_risk"),
    ("needs_approval", "approved"),
    ("needs_approval", "rejected"),
    ("needs_approval", "expired"),
    ("needs_approval", "halted_by_risk"),
}
ORDER = {
    (None, "intent"),
    ("intent", "sending"),
    ("intent", "cancelled"),
    ("sending", "acked"),
    ("sending", "rejected"),
    ("sending", "unknown"),
    ("unknown", "acked"),
    ("unknown", "rejected"),
    ("unknown", "absent"),
}
CONTROL = {
    ("running", "paused"),
    ("running", "halted"),
    ("running", "emergency_stop"),
    ("paused", "running"),
    ("paused", "halted"),
    ("paused", "emergency_stop"),
    ("halted", "running"),
    ("halted", "emergency_stop"),
    ("emergency_stop", "running"),
}

IDEA_RECORDS = {
    "needs_approval": {"ai_proposed", "human_proposed"},
    "auto_executed": {"ai_auto_executed"},
    "approved": {"human_approved"},
    "rejected": {"human_rejected", "risk_rejected"},
    "expired": {"idea_expired"},
    "halted_by_risk": {"risk_rejected"},
}
ORDER_RECORDS = {
    "intent": {"ai_auto_executed", "human_approved"},
    "sending": {"order_sending"},
    "acked": {"order_filled"},
    "rejected": {"order_rejected"},
    "unknown": {"order_unknown"},
    "cancelled": {"order_cancelled"},
    "absent": {"order_absent"},
}
CONTROL_RECORDS = {"ai_halted", "ai_resumed", "mode_changed", "symbol_paused", "symbol_resumed"}

#: Checks of which every recorded result is computed a second time.
CHECKED = {
    "state",
    "strategy",
    "symbol_paused",
    "stop_loss",
    "session",
    "spread",
    "news",
    "stale_data",
    "account",
    "open_position",
    "unknown_order",
    "lot_size",
    "max_concurrent_trades",
    "daily_loss",
    "max_drawdown",
    "daily_target_reached",
    "price_drift",
    "confidence_floor",
    "confidence_threshold",
    "watchlist",
    "mode",
}
