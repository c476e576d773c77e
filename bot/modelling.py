"""Models put together: their use cases, and the part of a worker that trains.

It is no job of the queue: a training takes minutes, and must not take a place that trading needs.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.trainer import train_apart
from bot.world import World
from broker.feeds.stored import StoredMarket
from engine.flow.generating import GenerateSignal
from engine.flow.models import AskTraining, Retrain
from engine.flow.predicting import AskModel
from engine.flow.signals import QueueSignal
from engine.ports import Bell, MarketData
from engine.research.drift import ReadDrift
from engine.research.run import RunTraining

log = logging.getLogger(__name__)

_ROUND_SECONDS = 1.0


def build_ask_training(world: World, bell: Bell) -> AskTraining:
    """What queues a training."""
    return AskTraining(store=world.store, bell=bell, streams=world.symbols)


def build_run_training(world: World, bell: Bell) -> RunTraining:
    """What does it."""
    market = long_market(world)
    return RunTraining(store=world.store, market=market, trainer=train_apart, bell=bell)


def build_read_drift(world: World) -> ReadDrift:
    """What compares a model with the market of now."""
    return ReadDrift(store=world.store, market=long_market(world))


def build_generate_signal(world: World) -> GenerateSignal:
    """What asks the approved model and queues what it says."""
    return GenerateSignal(
        store=world.store,
        market=world.market,
        predict=AskModel(store=world.store),
        queue_signal=QueueSignal(store=world.store),
    )


def build_retrain(world: World) -> Retrain:
    """What asks for new trainings when it is time."""
    return Retrain(store=world.store, streams=world.symbols, every=world.retrain_every)


def long_market(world: World) -> MarketData:
    """The market for who reads years of it: the loop's own keeps what it once read."""
    market = world.market
    return market.afresh() if isinstance(market, StoredMarket) else market


def training(world: World, bell: Bell) -> Callable[[], Awaitable[None]]:
    """Do one training after the other, until it is cancelled."""

    async def run() -> None:
        while True:
            if await build_run_training(world, bell)() is None:
                await asyncio.sleep(_ROUND_SECONDS)

    return run
