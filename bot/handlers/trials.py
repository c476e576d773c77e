"""The form of a backtest and of a sweep: chosen by buttons, values typed, started by a button.

What was chosen is kept in the conversation's durable place. A button names the draft it was made
for, so that a form that was changed since starts nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from aiogram import F, Router
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers.drafts import number_of
from bot.handlers.numbers import plain_number
from bot.i18n import Words
from bot.screen import Screen
from bot.views import trial_form as views
from bot.views.trial_form import COSTS, MOST_AXES, PERIODS, RUNS, Trial
from engine.domain.backtest import Costs, Wish
from engine.domain.person import Person
from engine.domain.strategy import Strategy
from engine.domain.values import decimal
from engine.errors import InvalidInput
from engine.research.runs import ReadBacktests
from engine.research.space import Axis, axes_of
from engine.snapshot.canonical import plain, restore

_DAY = timedelta(days=1)


class Typing(StatesGroup):
    """A value of a form is awaited."""

    value = State()


def build() -> Router:
    """The router."""
    router = Router(name="trials")
    router.message.register(typed, StateFilter(Typing.value), F.text)
    router.callback_query.register(change, F.data.startswith(callbacks.pack("trial", "")))
    router.callback_query.register(ask, F.data.startswith(callbacks.pack("trialtype", "")))
    return router


@dataclass(frozen=True, slots=True)
class Desk:
    """What a form is about: the strategies that can be tried, and the account's currency."""

    read: ReadBacktests
    strategies: Sequence[Strategy]

    def strategy(self, trial: Trial) -> Strategy | None:
        """The chosen one; None for all that are on."""
        return next((each for each in self.strategies if each.id.hex == trial.strategy), None)

    def screen(self, words: Words, trial: Trial, *, edit: bool = False) -> Screen:
        """The form."""
        one = self.strategy(trial)
        stream = (one and self.read.stream(one)) or self.read.symbols[0]
        others = [each.id.hex for each in self.strategies]
        if trial.kind == "backtest":
            others = ["", *others]
        at = others.index(trial.strategy) if trial.strategy in others else -1
        place = (at + 1) % len(others) if others else 0
        name = None if one is None else one.name
        return views.form(words, trial, stream, name, place, edit=edit)

    def known(self, trial: Trial, place: int) -> str:
        """The strategy at a place of the choice."""
        others = [each.id.hex for each in self.strategies]
        if trial.kind == "backtest":
            others = ["", *others]
        return others[place] if place < len(others) else ""


async def desk_of(read: ReadBacktests, person: Person) -> Desk:
    """Read it."""
    strategies, _ = await read.choice(person.id)
    return Desk(read, strategies)


async def opened(
    message: Message | CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    read_backtests: ReadBacktests,
    kind: str,
) -> Screen:
    """A new form of a kind."""
    desk = await desk_of(read_backtests, person)
    trial = Trial(kind=kind, number=number_of(message))
    if kind == "sweep":
        if not desk.strategies:
            raise InvalidInput("no strategy can be tried on these candles", mistake="trial_none")
        trial = _varied(replace(trial, strategy=desk.strategies[0].id.hex), desk.strategies[0])
    await _keep(state, trial)
    return desk.screen(words, trial)


async def kept(state: FSMContext) -> Trial | None:
    """The form that is open."""
    document = (await state.get_data()).get("trial")
    return None if document is None else restore(Trial, document)


async def pressed(query: CallbackQuery, state: FSMContext, action: str, kind: str) -> Trial | None:
    """The form of a kind whose own start button this is; None for one that was changed since."""
    (number,) = callbacks.parts(query.data or "", action, 1)
    trial = await kept(state)
    is_same = trial is not None and trial.kind == kind and str(trial.number) == number
    return trial if is_same else None


async def _keep(state: FSMContext, trial: Trial, **more: Any) -> None:
    await state.set_data({"trial": plain(trial), **more})


async def change(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    read_backtests: ReadBacktests,
) -> Screen:
    """Another choice; the same one again when a tap is delivered twice."""
    number, what, value = callbacks.parts(query.data or "", "trial", 3)
    trial, desk = await kept(state), await desk_of(read_backtests, person)
    if trial is None or str(trial.number) not in (number, str(number_of(query))):
        return outdated(words)
    if str(trial.number) == number:
        trial = replace(_changed(desk, trial, what, value), number=number_of(query))
        await state.clear()
        await _keep(state, trial)
    if what == "costs":
        return views.costs(words, trial)
    if what == "axes":
        return views.axes(words, trial, _all_axes(desk, trial))
    return desk.screen(words, trial, edit=True)


def _changed(desk: Desk, trial: Trial, what: str, value: str) -> Trial:
    number = callbacks.whole(value) or 0
    if what == "strategy":
        one = replace(trial, strategy=desk.known(trial, number))
        chosen = desk.strategy(one)
        return _varied(one, chosen) if trial.kind == "sweep" and chosen else one
    if what == "days" and number in PERIODS:
        return replace(trial, days=number, since=None, until=None)
    if what == "most" and number in RUNS:
        return replace(trial, most=number)
    if what == "axes" and value:
        return _toggled(trial, _all_axes(desk, trial), number)
    return trial


def _varied(trial: Trial, strategy: Strategy) -> Trial:
    found = axes_of(strategy)[:MOST_AXES]
    return replace(trial, axes=tuple((axis.path, axis.values) for axis in found))


def _all_axes(desk: Desk, trial: Trial) -> tuple[Axis, ...]:
    strategy = desk.strategy(trial)
    return () if strategy is None else axes_of(strategy)


def _toggled(trial: Trial, known: Sequence[Axis], place: int) -> Trial:
    if place >= len(known):
        return trial
    axis = known[place]
    left = tuple(pair for pair in trial.axes if pair[0] != axis.path)
    if len(left) == len(trial.axes):
        if len(left) >= MOST_AXES:
            raise InvalidInput("a sweep in the chat varies two numbers", mistake="trial_two")
        left = (*left, (axis.path, axis.values))
    return replace(trial, axes=left)


async def ask(query: CallbackQuery, words: Words, state: FSMContext) -> Screen:
    """Wait for a value to be typed."""
    number, what = callbacks.parts(query.data or "", "trialtype", 2)
    trial = await kept(state)
    if trial is None or str(trial.number) != number:
        return outdated(words)
    if what not in ("period", *COSTS, *map(str, range(len(trial.axes)))):
        raise InvalidInput("this button is not of this version")
    screen = views.ask(words, trial, what)
    await state.set_state(Typing.value)
    await _keep(state, trial, asks=what)
    return screen


async def typed(
    message: Message,
    person: Person,
    words: Words,
    state: FSMContext,
    read_backtests: ReadBacktests,
) -> Screen:
    """A typed value: shown back in the form, which starts nothing by itself."""
    data, trial = await state.get_data(), await kept(state)
    if trial is None:
        return Screen(text=words("trial.outdated"))
    desk = await desk_of(read_backtests, person)
    if trial.number != number_of(message):
        made = _with(trial, data["asks"], (message.text or "").strip(), words)
        trial = replace(made, number=number_of(message))
        await wish_of(desk, trial)
        await _keep(state, trial, asks=data["asks"])
    return desk.screen(words, trial)


def _with(trial: Trial, what: str, text: str, words: Words) -> Trial:
    if what == "period":
        since, until = _days(text)
        return replace(trial, since=since, until=until)
    if what in COSTS:
        number = decimal(plain_number(text, words))
        costs = {**dict(trial.values), what: str(number)}
        made = replace(trial, values=tuple(costs.items()))
        _costs(made)
        return made
    path, _ = trial.axes[int(what)]
    values = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not 0 < len(values) <= RUNS[-1]:
        raise InvalidInput(words("error.usage", example="20, 25, 30"))
    axes = [(name, values if name == path else known) for name, known in trial.axes]
    return replace(trial, axes=tuple(axes))


def _days(text: str) -> tuple[str, str]:
    try:
        first, last = (datetime.fromisoformat(part).date() for part in text.split())
    except ValueError as error:
        raise InvalidInput("no two days", mistake="trial_days", text=text[:40]) from error
    if first > last:
        raise InvalidInput("the period ends before it begins", field="until")
    return first.isoformat(), last.isoformat()


def _costs(trial: Trial) -> tuple[Costs, Decimal]:
    known = {name: trial.cost(name) for name in COSTS}
    balance = known.pop("balance")
    return Costs(**known), balance


async def wish_of(desk: Desk, trial: Trial) -> Wish:
    """What is to be played. Raises :class:`InvalidInput` for what cannot be."""
    one = desk.strategy(trial)
    if trial.strategy and one is None:
        raise InvalidInput("this strategy cannot be tried any more", mistake="trial_gone")
    symbol, timeframe = (one and desk.read.stream(one)) or desk.read.symbols[0]
    costs, balance = _costs(trial)
    wish = Wish(
        symbol=symbol, timeframe=timeframe, strategy=None if one is None else one.name,
        costs=costs, balance=balance,
        since=None if trial.since is None else _start(trial.since),
        until=None if trial.until is None else _start(trial.until) + _DAY,
    )  # fmt: skip
    return await desk.read.last(wish, trial.days * _DAY) if trial.since is None else wish


def _start(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def outdated(words: Words) -> Screen:
    """The form was changed since, or is too old."""
    return Screen(toast=words("trial.outdated"), alert=True)
