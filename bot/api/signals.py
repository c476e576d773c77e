"""Source 003's signals: the queue, a push by hand, and whether their server is there."""

from typing import Literal

from bot import model_documents
from bot.api.fields import Flag, Given, Instant, Number, Symbol, Told
from bot.api.routing import Call, Routes
from bot.i18n import words_for
from bot.views import push as views
from engine.domain.market import Timeframe
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


class SignalWanted(Given):
    """Which model to ask. ``force`` makes a signal between the thresholds too."""

    symbol: Symbol
    timeframe: Timeframe
    force: Flag = False


class SignalTold(Told):
    """A signal as the source writes it; ``confidence`` is that of its side."""

    signal_id: str
    symbol: str
    timeframe: Timeframe
    side: Literal["BUY", "SELL"]
    confidence: Number
    sl_pips: Number
    tp_pips: Number
    timestamp: Instant


class ModelAsked(Told):
    """The model that spoke."""

    id: int
    name: str
    hash: str


class GeneratedTold(Told):
    """What the model said: the ``probability`` of a rise, and the signal that became of it, None
    between 0.45 and 0.55.
    """

    success: bool
    message: str
    signal: SignalTold | None
    model: ModelAsked
    probability: float


@routes.post("/v1/signals/generate", role=Role.TRADER, statuses=(409, 503))
async def generate(call: Call, body: SignalWanted) -> GeneratedTold:
    """Ask the approved model about the last closed candle and queue its signal; a candle has one.

    409 ``NOT_SET_UP`` without an approved model, 503 without the candles that it needs.
    """
    made = await call.uses.talk.generate_signal(
        call.person_id, body.symbol, body.timeframe, force=body.force
    )
    return GeneratedTold.model_validate(model_documents.generated(made))


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
