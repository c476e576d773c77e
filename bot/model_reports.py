"""Models in the terminal: trained here, listed, shown as JSON, let in and retired."""

import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

from bot import model_documents as views
from bot.bell import SilentBell
from bot.modelling import build_read_drift, build_run_training
from bot.reports import CLEAN, FAULTY, Say, open_database_of
from bot.settings import Settings
from bot.world import World
from engine.domain.market import Timeframe
from engine.domain.model import Model, Training, Wish
from engine.errors import InvalidInput
from engine.flow.models import DecideModel, ReadModels
from engine.research.run import RunTraining


async def train(
    settings: Settings,
    symbol: str | None,
    timeframe: str | None,
    numbers: Mapping[str, Any],
    *,
    until_stopped: Callable[[Coroutine[Any, Any, None]], Awaitable[None]],
    say: Say,
) -> int:
    """0 when there is a new candidate; 1 when the training failed or was cancelled."""
    async with open_database_of(settings) as world:
        watched, frame = _stream(world, symbol, timeframe)
        wish = wish_of(watched, frame, numbers)
        say(
            f"{wish.trees} trees on up to {wish.bars} candles of {watched} {frame}. Ctrl-C cancels."
        )
        made: list[Training] = []
        run = replace(
            build_run_training(world, SilentBell()), show=lambda percent: say(f"{percent:>3} %")
        )
        await until_stopped(_to_its_end(run, wish, made))
        if not made:
            say("cancelled")
            return FAULTY
        (ended,) = made
        if ended.model_id is None:
            say(f"{ended.state}: {ended.reason or 'nothing was kept'}")
            return FAULTY
        model = await ReadModels(store=world.store).one(None, ended.model_id)
        say(_line(model))
        say(f"It is a candidate. Look: ai-trader models show {model.id}."
            f" Let it in: ai-trader models approve {model.id}")  # fmt: skip
        return CLEAN


def wish_of(symbol: str, timeframe: Timeframe, numbers: Mapping[str, Any]) -> Wish:
    """A wish with some numbers of its own; raises :class:`InvalidInput`."""
    return replace(Wish(symbol=symbol, timeframe=timeframe), **numbers)


async def _to_its_end(run: RunTraining, wish: Wish, made: list[Training]) -> None:
    made.append(await run.now(wish))


def _stream(world: World, symbol: str | None, timeframe: str | None) -> tuple[str, Timeframe]:
    """The watched stream that was meant."""
    for watched, frame in world.symbols:
        if symbol in (None, watched) and timeframe in (None, str(frame)):
            return watched, frame
    known = ", ".join(f"{watched} {frame}" for watched, frame in world.symbols)
    raise InvalidInput(f"{symbol} {timeframe or ''} is not watched; watched are: {known}")


async def every(settings: Settings, *, say: Say) -> int:
    """A line for each model."""
    async with open_database_of(settings) as world:
        found = await ReadModels(store=world.store)(None)
    for model in found:
        say(_line(model))
    if not found:
        say("There is no model yet. Train one: ai-trader train")
    return CLEAN


async def show(settings: Settings, number: int, *, say: Say) -> int:
    """The card and the drift, as the API tells them."""
    async with open_database_of(settings) as world:
        drift = await build_read_drift(world)(None, number)
    document = {**views.model(drift.model), "drift": views.drift(drift)}
    say(json.dumps(document, indent=2, ensure_ascii=False))
    return CLEAN


async def decide(settings: Settings, number: int, to: str, *, say: Say) -> int:
    """Let a model in, or retire it."""
    async with open_database_of(settings) as world:
        use = DecideModel(store=world.store, bell=SilentBell())
        made = await (use.approve if to == "approve" else use.retire)(None, number)
    say(_line(made))
    return CLEAN


def _line(model: Model) -> str:
    score = model.report.score
    hits = "–" if score.hits is None else f"{100 * score.hits:.1f} %"
    return (
        f"{model.id:>4}  {model.symbol} {Timeframe(model.timeframe)}  {model.name:<12}"
        f" {model.status:<9}  hits {hits}  AUC {score.auc:.3f}  {model.report.rows} candles"
        f"  {model.hash[:12]}"
    )
