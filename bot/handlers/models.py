"""Models: trained, looked at, let in and retired; and the signals that they give."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers.questions import expiry, is_fresh
from bot.i18n import Words
from bot.screen import Screen
from bot.views import models as views
from bot.views import signals as signal_views
from engine.domain.market import Timeframe
from engine.domain.model import Wish
from engine.domain.person import Person
from engine.errors import InvalidInput
from engine.flow.generating import GenerateSignal
from engine.flow.models import AskTraining, CancelTraining, DecideModel, ReadModels
from engine.flow.signal_list import ReadSignals
from engine.flow.signal_status import ReadSignalQueue
from engine.ports import Clock
from engine.research.drift import ReadDrift


def build() -> Router:
    """The router."""
    router = Router(name="models")
    router.message.register(train, Command("train"))
    router.message.register(models, Command("models"))
    router.message.register(signals, Command("signals"))
    taps = router.callback_query
    taps.register(begin, F.data.startswith(callbacks.pack("train", "")))
    taps.register(cancel, F.data.startswith(callbacks.pack("train-no", "")))
    taps.register(again, F.data == callbacks.pack("models"))
    taps.register(model, F.data.startswith(callbacks.pack("model", "")))
    taps.register(drift, F.data.startswith(callbacks.pack("drift", "")))
    taps.register(ask, F.data.startswith(callbacks.pack("model-ask", "")))
    taps.register(decide, F.data.startswith(callbacks.pack("model-go", "")))
    taps.register(signals_again, F.data == callbacks.pack("signals"))
    taps.register(generate, F.data.startswith(callbacks.pack("signal", "")))
    return router


async def train(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    ask_training: AskTraining,
    read_models: ReadModels,
) -> Screen:
    """/train [symbol]: what can be trained."""
    wanted = (command.args or "").upper().split()
    streams = [
        stream for stream in ask_training.streams if not wanted or stream[0].upper() == wanted[0]
    ]
    return views.menu(
        words, streams or ask_training.streams, await read_models.trainings(person.id)
    )


async def begin(
    query: CallbackQuery,
    person: Person,
    words: Words,
    ask_training: AskTraining,
    read_models: ReadModels,
) -> Screen:
    """Begin a training; its message comes from the courier, who keeps it up to date."""
    symbol, frame, mark = callbacks.parts(query.data or "", "train", 3)
    newest = await read_models.trainings(person.id, limit=1)
    if str(newest[0].id if newest else 0) != mark:
        # Tapped before, or an old list: what came of it is in the chat.
        return Screen(toast=words("train.known"))
    wish = Wish(symbol=symbol, timeframe=_timeframe(frame))
    _, is_new = await ask_training(person.id, wish)
    return Screen(toast=words("train.asked" if is_new else "train.known"))


async def cancel(
    query: CallbackQuery, person: Person, words: Words, cancel_training: CancelTraining
) -> Screen:
    """Stop a training."""
    await cancel_training(person.id, callbacks.number_in(query.data or "", "train-no"))
    return Screen(toast=words("train.cancelled"))


async def models(message: Message, person: Person, words: Words, read_models: ReadModels) -> Screen:
    """/models: the registry."""
    return views.listing(words, await read_models(person.id))


async def again(
    query: CallbackQuery, person: Person, words: Words, read_models: ReadModels
) -> Screen:
    """The registry of now, in place."""
    return views.listing(words, await read_models(person.id), edit=True)


async def model(
    query: CallbackQuery, person: Person, words: Words, read_models: ReadModels
) -> Screen:
    """A model's card."""
    found = await read_models.one(person.id, callbacks.number_in(query.data or "", "model"))
    return views.card(words, found, role=person.role)


async def drift(
    query: CallbackQuery, person: Person, words: Words, read_drift: ReadDrift
) -> Screen:
    """How far the market has moved from what the model learnt."""
    return views.drift(
        words, await read_drift(person.id, callbacks.number_in(query.data or "", "drift"))
    )


async def ask(
    query: CallbackQuery, person: Person, words: Words, read_models: ReadModels, clock: Clock
) -> Screen:
    """Whether to let a model in, or to retire it."""
    id_, approve = callbacks.parts(query.data or "", "model-ask", 2)
    found = await read_models.one(person.id, callbacks.number(id_))
    until = expiry(clock)
    return views.ask(words, found, approve=approve == "1", until=until)


async def decide(
    query: CallbackQuery, person: Person, words: Words, decide_model: DecideModel, clock: Clock
) -> Screen:
    """The yes."""
    id_, approve, until = callbacks.parts(query.data or "", "model-go", 3)
    if not is_fresh(clock, callbacks.number(until)):
        return Screen(toast=words("drafts.outdated"), alert=True)
    use = decide_model.approve if approve == "1" else decide_model.retire
    return views.card(words, await use(person.id, callbacks.number(id_)), role=person.role)


async def signals(
    message: Message,
    person: Person,
    words: Words,
    read_signals: ReadSignals,
    read_signal_queue: ReadSignalQueue,
) -> Screen:
    """/signals: what models say now, and what was queued."""
    seen, queue = await read_signals(person.id), await read_signal_queue(person.id)
    return signal_views.listing(words, seen, queue, role=person.role)


async def signals_again(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_signals: ReadSignals,
    read_signal_queue: ReadSignalQueue,
) -> Screen:
    """The same of now, in place."""
    seen, queue = await read_signals(person.id), await read_signal_queue(person.id)
    return signal_views.listing(words, seen, queue, role=person.role, edit=True)


async def generate(
    query: CallbackQuery,
    person: Person,
    words: Words,
    generate_signal: GenerateSignal,
) -> Screen:
    """Queue what a model says of the last candle; a candle's signal is queued once."""
    symbol, frame = callbacks.parts(query.data or "", "signal", 2)
    made = await generate_signal(person.id, symbol, _timeframe(frame))
    return Screen(toast=signal_views.made(words, made))


def _timeframe(text: str) -> Timeframe:
    if text not in list(Timeframe):
        raise InvalidInput("this button is not of this version")
    return Timeframe(text)
