"""Who knocks at the door, who gave a role, and whom the bot reaches."""

import functools
from json import dumps, loads

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Columns of ``person``; ``knock`` and ``spent_code``."""

    dependencies = [("storage", "0012_inbox")]

    operations = [
        ops.AddField(
            model_name="PersonRow", name="version", field=fields.IntField(default=1, db_default=1)
        ),
        ops.AddField(
            model_name="PersonRow",
            name="decided_by",
            field=fields.CharField(default="", db_default="", max_length=120),
        ),
        ops.AddField(
            model_name="PersonRow",
            name="decided_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="PersonRow",
            name="last_seen",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.CreateModel(
            name="KnockRow",
            fields=[
                (
                    "person_id",
                    fields.BigIntField(
                        generated=False, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "document",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
            ],
            options={
                "table": "knock",
                "app": "storage",
                "pk_attr": "person_id",
                "table_description": "Somebody without access, and what they were told.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SpentCodeRow",
            fields=[
                (
                    "digest",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("person_id", fields.BigIntField()),
                ("spent_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "spent_code",
                "app": "storage",
                "pk_attr": "digest",
                "table_description": "A code that made somebody an admin; it works once.",
            },
            bases=["Model"],
        ),
    ]
