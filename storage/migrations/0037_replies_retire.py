"""Replies of a language model may go when they are old; none is changed, and no young one goes."""

from tortoise import migrations
from tortoise.migrations import operations as ops

# A day is the shortest that LLM_KEEP_DAYS may say.
_RULES = """
CREATE FUNCTION refuse_young_removal() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT (OLD.at < clock_timestamp() - interval '1 day') THEN
        RAISE EXCEPTION '% is append-only: a row of less than a day stays', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;

DROP TRIGGER model_reply_rows ON model_reply;
CREATE TRIGGER model_reply_rows BEFORE UPDATE ON model_reply
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER model_reply_removal BEFORE DELETE ON model_reply
    FOR EACH ROW EXECUTE FUNCTION refuse_young_removal();
ALTER TABLE model_reply ENABLE ALWAYS TRIGGER model_reply_rows;
ALTER TABLE model_reply ENABLE ALWAYS TRIGGER model_reply_removal;
"""
_RULES_BACK = """
DROP TRIGGER model_reply_removal ON model_reply;
DROP TRIGGER model_reply_rows ON model_reply;
CREATE TRIGGER model_reply_rows BEFORE UPDATE OR DELETE ON model_reply
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE model_reply ENABLE ALWAYS TRIGGER model_reply_rows;
DROP FUNCTION refuse_young_removal();
"""


class Migration(migrations.Migration):
    """A function and the triggers of one table."""

    dependencies = [("storage", "0036_trials")]

    operations = [ops.RunSQL(_RULES, _RULES_BACK)]
