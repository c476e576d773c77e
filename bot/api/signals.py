"""Source 003's signals: the queue, a push by hand, and whether their server is there."""

from typing import Literal

from bot.api.fields import Told
from bot.api.routing import Call, Routes
from bot.i18n import words_for
from bot.views import push as views
from engine.domain.person import Role

routes = Routes("signals")


class StateTold(Told):
    """How many signals are in a state, and when the last of them was queued."""

    count: int
    latest: str


class FailureTold(Told):
    """A signal that was given up."""

    signal_id: str
    symbol: str
    side: str
    queued: str
    attempts: int
    reason: str


class QueueTold(Told):
    """The last day by state (PENDING, SENT, FAILED, EXPIRED). ``held`` is the trading state that
    lets no signal leave; ``counters`` are the Prometheus metrics of the source.
    """

    success: bool
    queue_status: dict[str, StateTold]
    period: Literal["last_24_hours"]
    ea_server: str | None
    held: str | None
    counters: dict[str, int | None]
    failed: list[FailureTold]


class PushTold(Told):
    """What a push did."""

    success: bool
    sent_count: int
    failed_count: int
    expired_count: int
    waiting_count: int
    message: str


class ContactTold(Told):
    """Whether the server is there."""

    connected: bool
    ea_server: str
    ea_url: str
    message: str


@routes.get("/v1/signals/queue-status", role=Role.VIEWER)
async def queue_status(call: Call) -> QueueTold:
    """The queue's last 24 hours."""
    status = await call.uses.talk.read_signal_queue(call.person_id)
    return QueueTold.model_validate(views.status_document(status))


@routes.post("/v1/signals/push", role=Role.TRADER, statuses=(409,))
async def push(call: Call) -> PushTold:
    """Push what waits now, up to a hundred; 409 ``NOT_SET_UP`` where no server is set."""
    done = await call.uses.acts.signals.send(call.person_id)
    return PushTold.model_validate(views.push_document(words_for("en"), done))


@routes.get("/v1/signals/test-connection", role=Role.VIEWER, statuses=(409,))
async def test_connection(call: Call) -> ContactTold:
    """Ask the EA server whether it is there; 409 ``NOT_SET_UP`` where none is set."""
    contact, used = await call.uses.acts.signals.test(call.person_id)
    return ContactTold.model_validate(views.test_document(words_for("en"), contact, used.server))
