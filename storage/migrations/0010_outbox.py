"""What the courier must know after a crash: calls under way, taken ids, flood limits, and who is
told what.
"""

import functools
from json import dumps, loads
from typing import Any

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

# The upgrade knows the messages of rows that were sent before.
_TAKEN = """
INSERT INTO sent_message (chat_id, message_id, outbox_id, noted_at)
SELECT DISTINCT ON (chat_id, message_id) chat_id, message_id, id, sent_at FROM outbox
WHERE message_id IS NOT NULL AND sent_at IS NOT NULL ORDER BY chat_id, message_id, id
"""


def _document() -> fields.JSONField[object]:
    encoder = functools.partial(dumps, separators=(",", ":"))
    return fields.JSONField(null=True, encoder=encoder, decoder=loads)


def _instant(**how: Any) -> Any:
    return fields.DatetimeField(auto_now=False, auto_now_add=False, **how)


def _number() -> fields.BigIntField:
    return fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)


class Migration(migrations.Migration):
    """``flood_budget``, ``sent_message``, ``halt_seen``, and columns of the outbox and people."""

    dependencies = [("storage", "0009_dialogues")]

    operations = [
        ops.CreateModel(
            name="FloodBudgetRow",
            fields=[
                (
                    "scope",
                    fields.BigIntField(
                        generated=False, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("due", _instant()),
                ("held_until", _instant(null=True)),
                ("held_at", _instant(null=True)),
            ],
            options={
                "table": "flood_budget",
                "app": "storage",
                "pk_attr": "scope",
                "table_description": "How much may be sent, per chat and in all (``scope`` 0).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="HaltSeenRow",
            fields=[
                ("id", _number()),
                ("version", fields.IntField()),
                ("person_id", fields.BigIntField()),
                ("at", _instant()),
            ],
            options={
                "table": "halt_seen",
                "app": "storage",
                "unique_together": (("version", "person_id"),),
                "pk_attr": "id",
                "table_description": "Who has seen the halt that a version of the control began.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SentMessageRow",
            fields=[
                ("id", _number()),
                ("chat_id", fields.BigIntField()),
                ("message_id", fields.BigIntField()),
                ("outbox_id", fields.BigIntField()),
                ("noted_at", _instant(db_index=True)),
            ],
            options={
                "table": "sent_message",
                "app": "storage",
                "unique_together": (("chat_id", "message_id"),),
                "pk_attr": "id",
                "table_description": "A message of ours that Telegram has: an id that is taken.",
            },
            bases=["Model"],
        ),
        *(
            ops.AddField(model_name="OutboxRow", name=name, field=field)
            for name, field in {
                "cause": fields.CharField(null=True, max_length=120),
                "episode": fields.BigIntField(null=True),
                "is_resolved": fields.BooleanField(default=False, db_default=False),
                "is_silent": fields.BooleanField(default=False, db_default=False),
                "sending_at": _instant(null=True),
                "steps": _document(),
            }.items()
        ),
        ops.AddIndex(model_name="OutboxRow", index=Index(fields=["cause", "person_id", "id"])),
        ops.AddField(model_name="PersonRow", name="notify", field=_document()),
        ops.AddField(model_name="PersonRow", name="unreachable_since", field=_instant(null=True)),
        # One call at a time in a chat: a second would make it unprovable what the first became.
        ops.RunSQL(
            "CREATE UNIQUE INDEX outbox_one_sending ON outbox (chat_id) WHERE state = 'sending'",
            "DROP INDEX outbox_one_sending",
        ),
        ops.RunSQL(
            "CREATE INDEX outbox_waiting ON outbox (chat_id, priority, id) WHERE state = 'queued'",
            "DROP INDEX outbox_waiting",
        ),
        ops.RunSQL(_TAKEN, ops.RunSQL.noop),
    ]
