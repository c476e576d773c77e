"""A question that waits for a typed answer outlives the process that asked it."""

import functools
from json import dumps, loads

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """``dialogue``: one open question per person."""

    dependencies = [("storage", "0008_retention")]

    operations = [
        ops.CreateModel(
            name="DialogueRow",
            fields=[
                (
                    "person_id",
                    fields.BigIntField(
                        generated=False, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("state", fields.CharField(max_length=80)),
                (
                    "data",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("asked_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "dialogue",
                "app": "storage",
                "pk_attr": "person_id",
                "table_description": "A question to a person that waits for a typed answer.",
            },
            bases=["Model"],
        ),
    ]
