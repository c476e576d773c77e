"""The inbox knows whose an update is and which may not wait, and finds what waits at any length."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

# What waits from before this version keeps its place behind its sender's earlier updates.
_WHOSE = """
UPDATE telegram_inbox SET person_id = coalesce(
    payload -> 'callback_query' -> 'from' ->> 'id', payload -> 'message' -> 'from' ->> 'id'
)::bigint WHERE done_at IS NULL
"""


class Migration(migrations.Migration):
    """``telegram_inbox`` by person: lanes, a bound for each, and halts that overtake."""

    dependencies = [("storage", "0011_position_orders")]

    operations = [
        ops.AddField(model_name="InboxRow", name="person_id", field=fields.BigIntField(null=True)),
        ops.AddField(
            model_name="InboxRow", name="urgent", field=fields.BooleanField(db_default=False)
        ),
        ops.AddField(
            model_name="InboxRow", name="told", field=fields.BooleanField(db_default=False)
        ),
        ops.RunSQL(_WHOSE, ops.RunSQL.noop),
        ops.RunSQL(
            "CREATE INDEX telegram_inbox_waiting ON telegram_inbox (person_id, update_id)"
            " WHERE done_at IS NULL",
            "DROP INDEX telegram_inbox_waiting",
        ),
        ops.RunSQL(
            "CREATE INDEX telegram_inbox_urgent ON telegram_inbox (person_id, received_at)"
            " WHERE urgent",
            "DROP INDEX telegram_inbox_urgent",
        ),
    ]
