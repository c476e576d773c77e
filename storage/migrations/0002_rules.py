"""What the models cannot say: append-only rules, bounds, descending indexes, the risk view."""

from tortoise import migrations
from tortoise.migrations import operations as ops

_APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER decision_history_rows BEFORE UPDATE OR DELETE ON decision_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decision_history_truncate BEFORE TRUNCATE ON decision_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER snapshot_bundle_rows BEFORE UPDATE ON snapshot_bundle
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Without ALWAYS, session_replication_role = replica would switch them off for a session.
ALTER TABLE decision_history ENABLE ALWAYS TRIGGER decision_history_rows;
ALTER TABLE decision_history ENABLE ALWAYS TRIGGER decision_history_truncate;
ALTER TABLE snapshot_bundle ENABLE ALWAYS TRIGGER snapshot_bundle_rows;
"""

_APPEND_ONLY_BACK = """
DROP TRIGGER decision_history_rows ON decision_history;
DROP TRIGGER decision_history_truncate ON decision_history;
DROP TRIGGER snapshot_bundle_rows ON snapshot_bundle;
DROP FUNCTION refuse_change();
"""

# An upper bound as well: NaN sorts above every number, so that "price > 0" alone would take it.
_BOUNDS = """
ALTER TABLE trade_ideas
    ADD CONSTRAINT trade_ideas_bounds CHECK (
        entry_price > 0 AND entry_price < 1e12 AND stop_loss > 0 AND stop_loss < 1e12
        AND confidence_score >= 0 AND confidence_score <= 100
        AND direction IN ('buy', 'sell')),
    ADD CONSTRAINT trade_ideas_status CHECK (status IN ('waiting', 'needs_approval',
        'auto_executed', 'approved', 'rejected', 'expired', 'halted_by_risk'));
ALTER TABLE fill
    ADD CONSTRAINT fill_bounds CHECK (
        price > 0 AND price < 1e12 AND volume > 0 AND volume < 1e12);
ALTER TABLE trading_day
    ADD CONSTRAINT trading_day_bounds CHECK (
        start_equity > -1e12 AND start_equity < 1e12
        AND peak_equity >= start_equity AND peak_equity < 1e12);
ALTER TABLE snapshot_market
    ADD CONSTRAINT snapshot_market_bounds CHECK (
        low > 0 AND low <= open AND low <= close AND high >= open AND high >= close
        AND high < 1e12 AND volume >= 0);
ALTER TABLE control ADD CONSTRAINT control_one_row CHECK (id = 1);
ALTER TABLE history_head ADD CONSTRAINT history_head_one_row CHECK (id = 1);
"""

_BOUNDS_BACK = """
ALTER TABLE trade_ideas DROP CONSTRAINT trade_ideas_bounds, DROP CONSTRAINT trade_ideas_status;
ALTER TABLE fill DROP CONSTRAINT fill_bounds;
ALTER TABLE trading_day DROP CONSTRAINT trading_day_bounds;
ALTER TABLE snapshot_market DROP CONSTRAINT snapshot_market_bounds;
ALTER TABLE control DROP CONSTRAINT control_one_row;
ALTER TABLE history_head DROP CONSTRAINT history_head_one_row;
"""

_INDEXES = {
    "snapshot_market_recent": "snapshot_market (symbol, timeframe, captured_at DESC)",
    "snapshot_indicators_recent": "snapshot_indicators (symbol, timeframe, captured_at DESC)",
    "snapshot_calendar_recent": "snapshot_calendar (captured_at DESC)",
    "snapshot_news_recent": "snapshot_news (published_at DESC)",
    "snapshot_account_recent": "snapshot_account (captured_at DESC)",
    "trade_ideas_symbol_recent": "trade_ideas (symbol, created_at DESC)",
    "decision_history_recent": "decision_history (occurred_at DESC)",
    "decision_history_symbol_recent": "decision_history (symbol, occurred_at DESC)",
    "decision_history_action_recent": "decision_history (action, occurred_at DESC)",
    "decision_history_market_time": "decision_history (market_time DESC, action)",
}

# Source 004's risk_config, as the view it is: the settings in force and the trading state.
_RISK_CONFIG = """
CREATE VIEW risk_config AS
SELECT TRUE AS id,
       control.state = 'running' AS ai_trading_enabled,
       (s.document ->> 'min_confidence_threshold')::numeric(5, 2) AS min_confidence_threshold,
       (s.document ->> 'max_lot_size')::numeric(10, 2) AS max_lot_size,
       (s.document ->> 'max_concurrent_trades')::int AS max_concurrent_trades,
       (s.document ->> 'daily_profit_target')::numeric(12, 2) AS daily_profit_target,
       (s.document ->> 'stop_after_target')::boolean AS stop_after_target,
       (s.document ->> 'max_drawdown_amount')::numeric(12, 2) AS max_drawdown_amount,
       (s.document ->> 'halt_on_drawdown')::boolean AS halt_on_drawdown,
       (s.document ->> 'allow_off_watchlist_autotrade')::boolean AS allow_off_watchlist_autotrade,
       CASE WHEN control.state = 'running' THEN NULL ELSE control.reason END AS last_halt_reason,
       s.created_at AS updated_at
FROM settings_version s CROSS JOIN control
WHERE s.version = (SELECT max(version) FROM settings_version);
"""


class Migration(migrations.Migration):
    """Rules the database itself keeps."""

    dependencies = [("storage", "0001_initial")]

    operations = [
        ops.RunSQL("CREATE SEQUENCE trade_idea_number", "DROP SEQUENCE trade_idea_number"),
        ops.RunSQL(_APPEND_ONLY, _APPEND_ONLY_BACK),
        ops.RunSQL(_BOUNDS, _BOUNDS_BACK),
        *(
            ops.RunSQL(f"CREATE INDEX {name} ON {columns}", f"DROP INDEX {name}")
            for name, columns in _INDEXES.items()
        ),
        ops.RunSQL(_RISK_CONFIG, "DROP VIEW risk_config"),
        # The head is there from the beginning: two first writers would otherwise both make it.
        ops.RunSQL(
            "INSERT INTO history_head (id, seq, hash) VALUES (1, 0, repeat('0', 64))",
            "DELETE FROM history_head",
        ),
    ]
