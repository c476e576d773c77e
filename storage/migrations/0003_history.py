"""The history's own rules: one function appends, the head only grows, indexes for every filter."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

# The run-time role may call this and nothing else: it can neither place a row nor move the head.
# SECURITY DEFINER, hence the fixed search path with the temporary schema last.
_APPEND = """
CREATE FUNCTION append_decisions(
    occurred_ats timestamptz[], market_times timestamptz[], symbols text[], actions text[],
    actors text[], rationales text[], confidence_scores numeric[], risk_check_results text[],
    strategy_ids uuid[], trade_idea_ids uuid[], snapshot_refs text[], human_overrides boolean[],
    bodies text[], contents text[]
) RETURNS TABLE (seq bigint, previous_hash text, hash text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    head history_head;
BEGIN
    -- A row lock wakes its waiters one by one into the next wait; this lock is a plain queue.
    PERFORM pg_advisory_xact_lock(7205114306);
    SELECT * INTO head FROM history_head WHERE id = 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR i IN 1 .. cardinality(contents) LOOP
        seq := head.seq + 1;
        previous_hash := head.hash;
        hash := encode(sha256(convert_to(
            '1|' || previous_hash || '|' || lpad(seq::text, 20, '0') || '|' || contents[i],
            'UTF8')), 'hex');
        INSERT INTO decision_history (
            seq, id, occurred_at, market_time, symbol, action, actor, rationale, confidence_score,
            risk_check_result, strategy_id, trade_idea_id, snapshot_ref, human_override, body,
            previous_hash, hash)
        VALUES (
            seq, left(hash, 32)::uuid, occurred_ats[i], market_times[i], symbols[i], actions[i],
            actors[i], rationales[i], confidence_scores[i], risk_check_results[i],
            strategy_ids[i], trade_idea_ids[i], snapshot_refs[i], human_overrides[i], bodies[i],
            previous_hash, hash);
        head.seq := seq;
        head.hash := hash;
        RETURN NEXT;
    END LOOP;
    UPDATE history_head SET seq = head.seq, hash = head.hash WHERE id = 1;
END $$;
REVOKE EXECUTE ON FUNCTION append_decisions FROM PUBLIC;
"""

_HEAD = """
CREATE FUNCTION refuse_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq <= OLD.seq THEN
        RAISE EXCEPTION 'the history ends at %, it cannot end at %', OLD.seq, NEW.seq
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER history_head_grows BEFORE UPDATE ON history_head
    FOR EACH ROW EXECUTE FUNCTION refuse_going_back();
CREATE TRIGGER history_head_stays BEFORE DELETE ON history_head
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER history_head_truncate BEFORE TRUNCATE ON history_head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE history_head ENABLE ALWAYS TRIGGER history_head_grows;
ALTER TABLE history_head ENABLE ALWAYS TRIGGER history_head_stays;
ALTER TABLE history_head ENABLE ALWAYS TRIGGER history_head_truncate;
"""

_HEAD_BACK = """
DROP TRIGGER history_head_grows ON history_head;
DROP TRIGGER history_head_stays ON history_head;
DROP TRIGGER history_head_truncate ON history_head;
DROP FUNCTION refuse_going_back();
"""

_UNUSED = {
    "decision_history_recent": "decision_history (occurred_at DESC)",
    "decision_history_symbol_recent": "decision_history (symbol, occurred_at DESC)",
    "decision_history_action_recent": "decision_history (action, occurred_at DESC)",
}

# Every filter of the history is one index, in the order of its pages. That order is -seq, which the
# primary key does not have: asked for seq DESC, the planner may take a rare value for a common one
# and walk the primary key backwards past millions of other records.
_INDEXES = {
    "decision_history_symbol": "decision_history (symbol, (-seq))",
    "decision_history_action": "decision_history (action, (-seq))",
    "decision_history_symbol_action": "decision_history (symbol, action, (-seq))",
    "decision_history_idea": (
        "decision_history (trade_idea_id, seq) WHERE trade_idea_id IS NOT NULL"
    ),
}


class Migration(migrations.Migration):
    """A fast history that its own writers cannot bend."""

    dependencies = [("storage", "0002_rules")]

    operations = [
        # The chain's own uniqueness is that of seq and previous_hash; these cost every append.
        ops.AlterField("DecisionRow", "id", fields.UUIDField()),
        ops.AlterField("DecisionRow", "hash", fields.CharField(max_length=64)),
        ops.AlterField("DecisionRow", "trade_idea_id", fields.UUIDField(null=True)),
        *(
            ops.RunSQL(f"DROP INDEX {name}", f"CREATE INDEX {name} ON {columns}")
            for name, columns in _UNUSED.items()
        ),
        *(
            ops.RunSQL(f"CREATE INDEX {name} ON {columns}", f"DROP INDEX {name}")
            for name, columns in _INDEXES.items()
        ),
        ops.RunSQL(_APPEND, "DROP FUNCTION append_decisions"),
        ops.RunSQL(_HEAD, _HEAD_BACK),
    ]
