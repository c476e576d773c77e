"""People, what they sent, and what they are to be told."""

from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class PersonRow(Model):
    """A Telegram user who may talk to the bot, or has asked to."""

    id = fields.BigIntField(primary_key=True, generated=False)
    name = fields.CharField(120)
    role = fields.CharField(12)
    language = fields.CharField(12)
    timezone = fields.CharField(60)
    chat_id = fields.BigIntField()
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "person"


class InboxRow(Model):
    """A Telegram update, stored before it is handled; its id makes a repeat harmless."""

    update_id = fields.BigIntField(primary_key=True, generated=False)
    person_id = fields.BigIntField(null=True)
    # A halt: it waits behind nothing.
    urgent = fields.BooleanField(db_default=False)
    # A tap whose words were on their way to be shown over the chat.
    told = fields.BooleanField(db_default=False)
    payload: Any = fields.JSONField()
    received_at = fields.DatetimeField(auto_now_add=True)
    done_at = fields.DatetimeField(null=True)
    attempts = fields.IntField(default=0)
    error = fields.TextField(null=True)

    class Meta:
        table = "telegram_inbox"


class OutboxRow(Model):
    """Something to tell one person. ``key`` with the person is what makes it told once."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(120)
    person_id = fields.BigIntField()
    chat_id = fields.BigIntField()
    priority = fields.SmallIntField()
    kind = fields.CharField(20)
    payload: Any = fields.JSONField()
    state = fields.CharField(10)
    attempts = fields.IntField(default=0)
    not_before = fields.DatetimeField()
    created_at = fields.DatetimeField(auto_now_add=True)
    sent_at = fields.DatetimeField(null=True)
    message_id = fields.BigIntField(null=True)
    error = fields.TextField(null=True)

    class Meta:
        table = "outbox"
        unique_together = (("key", "person_id"),)
        indexes = (Index(fields=("state", "not_before", "priority", "id")),)


class DialogueRow(Model):
    """A question to a person that waits for a typed answer."""

    person_id = fields.BigIntField(primary_key=True, generated=False)
    state = fields.CharField(80)
    data: Any = fields.JSONField()
    asked_at = fields.DatetimeField()

    class Meta:
        table = "dialogue"
