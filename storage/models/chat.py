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
    version = fields.IntField(default=1, db_default=1)
    decided_by = fields.CharField(120, default="", db_default="")
    decided_at = fields.DatetimeField(null=True)
    last_seen = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    unreachable_since = fields.DatetimeField(null=True)
    notify: Any = fields.JSONField(null=True)

    class Meta:
        table = "person"


class KnockRow(Model):
    """Somebody without access, and what they were told."""

    person_id = fields.BigIntField(primary_key=True, generated=False)
    document: Any = fields.JSONField()
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "knock"


class SpentCodeRow(Model):
    """A code that made somebody an admin; it works once."""

    digest = fields.CharField(64, primary_key=True)
    person_id = fields.BigIntField()
    spent_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "spent_code"


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
    """Something to tell one person. ``key`` with the person is what makes it told once.

    ``steps`` are the calls it becomes, written down before the first is made: while the row is
    ``sending``, one of them may be with Telegram without our knowing. Rows of one ``cause`` from
    ``episode`` on share that row's message.
    """

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
    is_silent = fields.BooleanField(default=False, db_default=False)
    cause = fields.CharField(120, null=True)
    episode = fields.BigIntField(null=True)
    is_resolved = fields.BooleanField(default=False, db_default=False)
    steps: Any = fields.JSONField(null=True)
    sending_at = fields.DatetimeField(null=True)

    class Meta:
        table = "outbox"
        unique_together = (("key", "person_id"),)
        indexes = (
            Index(fields=("state", "not_before", "priority", "id")),
            Index(fields=("cause", "person_id", "id")),
        )


class SentMessageRow(Model):
    """A message of ours that Telegram has: an id that is taken."""

    id = fields.BigIntField(primary_key=True)
    chat_id = fields.BigIntField()
    message_id = fields.BigIntField()
    outbox_id = fields.BigIntField()
    noted_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "sent_message"
        unique_together = (("chat_id", "message_id"),)


class FloodBudgetRow(Model):
    """How much may be sent, per chat and in all (``scope`` 0).

    ``due`` is when what was sent would have been sent at an even pace; ``held_until`` is the end of
    the pause that Telegram asked for at ``held_at``.
    """

    scope = fields.BigIntField(primary_key=True, generated=False)
    due = fields.DatetimeField()
    held_until = fields.DatetimeField(null=True)
    held_at = fields.DatetimeField(null=True)

    class Meta:
        table = "flood_budget"


class HaltSeenRow(Model):
    """Who has seen the halt that a version of the control began."""

    id = fields.BigIntField(primary_key=True)
    version = fields.IntField()
    person_id = fields.BigIntField()
    at = fields.DatetimeField()

    class Meta:
        table = "halt_seen"
        unique_together = (("version", "person_id"),)


class DialogueRow(Model):
    """A question to a person that waits for a typed answer."""

    person_id = fields.BigIntField(primary_key=True, generated=False)
    state = fields.CharField(80)
    data: Any = fields.JSONField()
    asked_at = fields.DatetimeField()

    class Meta:
        table = "dialogue"
